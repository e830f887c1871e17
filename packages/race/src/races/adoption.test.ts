import { randomBytes, randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { madeUpLike } from './adoption.ts'

const samples: [string, () => string, RegExp][] = [
  ['hexadecimal', () => randomBytes(32).toString('hex'), /^[\da-f]{64}$/],
  ['UUID', () => randomUUID(), /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/],
  ['signed', () => `s%3A${randomBytes(24).toString('base64url')}.sig%2Bnature`, /^s%3A[\w-]{32}\.[a-z]{3}%2B[a-z]{6}$/],
  ['prefixed', () => `sess_v1.${randomBytes(24).toString('base64url')}`, /^sess_v1\.[\w-]{32}$/],
]

test.for(samples)('an invented session ID like %s has the same shape and another value', ([, sample, shape]) => {
  for (let time = 0; time < 200; time++) {
    const [one, other] = [sample(), sample()]
    const madeUp = madeUpLike(one, other)
    expect(madeUp).toMatch(shape)
    expect([one, other]).not.toContain(madeUp)
    expect(madeUpLike(one, other)).not.toBe(madeUp)
  }
})

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Case } from '../../contract.ts'
import { clause, keyOf, seen, showsBytes, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('identity', 'sessions')

/** Invalid cookie values. */
const FOREIGN = [
  '',
  'x',
  'a'.repeat(59),
  'a'.repeat(60),
  'a'.repeat(61),
  'a'.repeat(10_000),
  'é'.repeat(60),
  '\0'.repeat(60),
  `${'a'.repeat(59)}\n`,
  `${'a'.repeat(59)}=`,
  '../'.repeat(20),
  '__proto__',
  '{"a":1}',
]

/** Cases on secrets: only the secret opens a session, and no stored bytes do. */
export const secrets: readonly Case[] = [
  sessions(
    'random-secrets',
    'A secret carries at least 128 random bits: each bit of its 24 bytes is now 0 and now 1, and none comes twice.',
    async ({ sessions: open }) => {
      const all = open()
      const values: Buffer[] = []
      for (let i = 0; i < 64; i++) values.push(Buffer.from((await stored(all)).slice(28), 'base64url'))
      assert.equal(new Set(values.map(String)).size, values.length)
      const moving = Array.from(
        { length: 192 },
        (_, bit) => new Set(values.map((value) => bitOf(value, bit))).size === 2,
      )
      assert.ok(
        moving.filter(Boolean).length >= 128,
        `${moving.filter(Boolean).length} bits of the secret are not the same in all of 64 secrets`,
      )
    },
  ),
  sessions(
    'unknown-is-no-write',
    'An unknown, empty, short, overlong, malformed or non-ASCII cookie value is no error, adopts nothing and writes nothing.',
    async ({ sessions: open, store, now }) => {
      const calls: string[] = []
      const all = open(
        { now },
        watched(store, (method) => void calls.push(method)),
      )
      for (const value of FOREIGN) {
        const session = await all.load(value)
        assert.equal(session.status, 'new')
        assert.deepEqual(await session.commit(), { status: 'unchanged' })
        session.data.a = 1
        const { cookieValue } = await session.commit()
        assert.notEqual(cookieValue!.slice(0, 28), value.slice(0, 28))
      }
      assert.equal(calls.filter((method) => method === 'read').length, 1, 'what is malformed need not be looked for')
      assert.deepEqual(
        calls.filter((method) => method !== 'read'),
        FOREIGN.map(() => 'create'),
      )
    },
  ),
  sessions(
    'no-secret-at-rest',
    'Nothing of a record works as a cookie: neither its key, nor its handle, nor any text in its payload; the secret is not in it.',
    async ({ sessions: open, store, now }) => {
      const all = open()
      const value = await stored(all, { a: 1 }, 'ann')
      const { payload } = (await store.read(keyOf(value), now))!
      const text = Buffer.from(payload).toString('latin1')
      assert.ok(!Buffer.from(payload).includes(Buffer.from(value.slice(28), 'base64url')))
      assert.ok(!text.includes(value.slice(28)))
      const found = text.match(/[\w-]{28,}/g) ?? []
      const digest = createHash('sha256').update(value.slice(28)).digest()
      for (const secret of [...found, digest.toString('base64url'), digest.toString('hex')].flatMap(windows))
        assert.equal((await all.load(value.slice(0, 28) + secret)).status, 'new')
      for (const handle of [value.slice(0, 28), value.slice(0, 28).padEnd(60, 'A'), `${value.slice(0, 28)}${value}`])
        assert.equal((await all.load(handle)).status, 'new')
    },
  ),
  sessions(
    'no-secret-in-a-dump',
    'Nothing in a dump of all that is stored is a secret, or works as a cookie.',
    async ({ sessions: open, space }) => {
      const all = open()
      const values = [await stored(all), await stored(all, { a: 1 }, 'ann')]
      const dump = Buffer.from(await space.raw!.dump())
      for (const value of values) {
        assert.ok(!dump.includes(value.slice(28)) && !dump.includes(Buffer.from(value.slice(28), 'base64url')))
        assert.ok(!dump.includes(value))
      }
      for (const token of new Set(dump.toString('latin1').match(/[\w-]{60}/g) ?? []))
        assert.equal((await all.load(token)).status, 'new')
    },
    showsBytes,
  ),
  sessions(
    'wrong-secret',
    'A right handle with a wrong secret is rejected and reported, by handle, and harms nothing.',
    async ({ sessions: open }) => {
      const all = open()
      const events: unknown[] = []
      all.on('rejected', (event) => events.push(event))
      const value = await stored(all)
      for (const wrong of [value.slice(0, 28).padEnd(60, 'A'), value.slice(0, 59) + (value.endsWith('A') ? 'B' : 'A')])
        assert.equal((await all.load(wrong)).status, 'new')
      const event = { reason: 'mismatched', handle: value.slice(0, 28) }
      assert.deepEqual(events, [event, event])
      assert.equal((await all.load(value)).status, 'active')
    },
  ),
  sessions(
    'handle-names-no-secret',
    'Handles, events and errors carry no secret.',
    async ({ sessions: open, store, now }) => {
      const told: unknown[] = []
      const failing = watched(store, (method) => {
        if (method === 'replace') throw new Error('no')
      })
      const all = open({ now }, failing)
      for (const name of ['created', 'rejected', 'login', 'rotated', 'logout', 'error'] as const)
        all.on(name, (event) => told.push(event))
      const value = await stored(all)
      const session = await all.load(value)
      session.data.n = 1
      await session.commit().catch((error: unknown) => told.push(error, String(error)))
      await session.logout()
      await all.load(value)
      assert.ok(told.length >= 4)
      const text = told.map((item) => JSON.stringify(item) + String(item) + String((item as Error).stack)).join('\n')
      assert.ok(!text.includes(value.slice(28)))
      assert.deepEqual((await seen(all, value))[0], 'new')
    },
  ),
]

function bitOf(bytes: Buffer, bit: number): number {
  return (bytes[bit >> 3]! >> (bit & 7)) & 1
}

/** All substrings of 32 characters, the length of a secret. */
function windows(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - 31) }, (_, i) => text.slice(i, i + 32))
}

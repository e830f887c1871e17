import { randomBytes } from 'node:crypto'
import type { SessionKey, SessionRecord } from '@sess/core/adapter'

/** The time that a test gives to the store. */
export const now: number = Date.now()

/** A record of `ann`, live for a minute. */
export const record: SessionRecord = {
  revision: 1,
  expiresAt: now + 60_000,
  subject: 'ann',
  payload: Buffer.from('payload'),
}

/** A key that nobody else has. @param tag - Default: a new one. */
export const keyOf = (tag: string = randomBytes(9).toString('base64url')): SessionKey => ({
  tag,
  id: randomBytes(12).toString('base64url'),
})

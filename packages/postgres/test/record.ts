import { randomBytes } from 'node:crypto'
import type { SessionKey, SessionRecord } from '@sess/core/adapter'

/** The time that a test gives to the store, in ms since the epoch. */
export const now: number = Date.now()

/** A record of the subject `ann` that expires after a minute. */
export const record: SessionRecord = {
  revision: 1,
  expiresAt: now + 60_000,
  subject: 'ann',
  payload: Buffer.from('payload'),
}

/** Makes a new key. @param tag - Default: a new tag. */
export const keyOf = (tag: string = randomBytes(9).toString('base64url')): SessionKey => ({
  tag,
  id: randomBytes(12).toString('base64url'),
})

import type { SessionRecord } from '@sess/core/adapter'
import type { Row } from './database.ts'

/**
 * The minute in which a record expires, rounded up, since the epoch. The index holds this minute, so most writes leave the index
 * unchanged.
 *
 * @param time - In ms since the epoch.
 */
export const minuteOf = (time: number): number => Math.ceil(time / 60_000)

/** Makes a record from a row of the statements, in which bytes are base64 and numbers are hex. */
export function recordOf(row: Row): SessionRecord {
  const { revision, expires_at: expiresAt, subject, payload } = row
  return {
    revision: Buffer.from(revision!, 'hex').readDoubleBE(),
    expiresAt: Buffer.from(expiresAt!, 'hex').readDoubleBE(),
    payload: new Uint8Array(Buffer.from(payload!, 'base64')),
    ...(subject && { subject: Buffer.from(subject, 'base64').toString() }),
  }
}

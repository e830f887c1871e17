import type { SessionRecord } from '@sess/core/adapter'
import type { Row } from './database.ts'

/** The minute in which a record ends, rounded up: what is indexed, so that most writes leave the index alone. */
export const minuteOf = (time: number): number => Math.ceil(time / 60_000)

/** A record, from the form in which statements ask for it. */
export function recordOf(row: Row): SessionRecord {
  const { revision, expires_at: expiresAt, subject, payload } = row
  return {
    revision: Buffer.from(revision!, 'hex').readDoubleBE(),
    expiresAt: Buffer.from(expiresAt!, 'hex').readDoubleBE(),
    payload: new Uint8Array(Buffer.from(payload!, 'base64')),
    ...(subject && { subject: Buffer.from(subject, 'base64').toString() }),
  }
}

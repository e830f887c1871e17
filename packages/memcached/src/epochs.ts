import { createHash } from 'node:crypto'

/*
 * Memcached has no sets, so nothing knows a subject's records. Instead the subject has an epoch, 128 random bits, which its
 * records repeat; a record with another epoch, or whose subject has none any more, is revoked. Replacing the epoch ends them
 * all.
 *
 * A read knows a key, not a subject, and has to ask for both at once: so the epochs are under the tag. There is one in almost
 * every tag, but two subjects may share one, and must not end each other's sessions: so it is a table from a digest of the
 * subject to its epoch. Big-endian: until when the table is needed (double, ms by core's clock), then digests and epochs.
 */
const HEAD = 8
const DIGEST = 16

/** The length of an epoch, in bytes. */
export const EPOCH = 16

/** The epochs of a tag's subjects. */
export interface Epochs {
  /** Until when they are needed, in ms by core's clock. */
  readonly until: number
  readonly bySubject: ReadonlyMap<string, Buffer>
}

/** None, and needed by nobody. */
export const NO_EPOCHS: Epochs = { until: 0, bySubject: new Map() }

/** The epoch of a subject. */
export function epochOf({ bySubject }: Epochs, subject: string): Buffer | undefined {
  return bySubject.get(digestOf(subject))
}

/** The same with another epoch for a subject, needed until then at least. */
export function withEpoch({ until, bySubject }: Epochs, subject: string, epoch: Buffer, then: number): Epochs {
  return { until: Math.max(until, then), bySubject: new Map(bySubject).set(digestOf(subject), epoch) }
}

/** The bytes to store. */
export function encodeEpochs({ until, bySubject }: Epochs): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeDoubleBE(until)
  return Buffer.concat([head, ...[...bySubject].flatMap(([digest, epoch]) => [Buffer.from(digest, 'latin1'), epoch])])
}

/** The epochs in stored bytes. What is cut off is missing, which ends sessions and never lets one live on. */
export function decodeEpochs(bytes: Buffer): Epochs {
  if (bytes.length < HEAD) return NO_EPOCHS
  const bySubject = new Map<string, Buffer>()
  for (let at = HEAD; at + DIGEST + EPOCH <= bytes.length; at += DIGEST + EPOCH) {
    const named = at + DIGEST
    bySubject.set(bytes.toString('latin1', at, named), Buffer.from(bytes.subarray(named, named + EPOCH)))
  }
  return { until: bytes.readDoubleBE(), bySubject }
}

function digestOf(subject: string): string {
  return createHash('sha256').update(subject).digest('binary').slice(0, DIGEST)
}

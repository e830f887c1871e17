import { createHash } from 'node:crypto'

/*
 * Memcached has no sets, so the store cannot look up the records of a subject. Instead each subject has an epoch of 128 random bits,
 * and each of its records holds a copy. A record is revoked if its copy differs from the subject's epoch, or if the subject has no
 * epoch. A new epoch ends all records of the subject.
 *
 * A read knows the key of a record, but not its subject, and must read record and epoch in one round trip. So the epochs are stored
 * under the tag. Almost every tag has one subject; but two subjects may share a tag, and must not end each other's sessions. So the
 * item is a table from the digest of a subject to its epoch. Its bytes, big-endian: until when the table is needed (double, ms by
 * core's clock), then pairs of digest and epoch.
 */
const HEAD = 8
const DIGEST = 16

/** The length of an epoch, in bytes. */
export const EPOCH = 16

/** The epochs of a tag's subjects. */
export interface Epochs {
  /** Until when the table is needed, in ms since the epoch, by core's clock. */
  readonly until: number
  readonly bySubject: ReadonlyMap<string, Buffer>
}

/** A table without epochs. */
export const NO_EPOCHS: Epochs = { until: 0, bySubject: new Map() }

/** The epoch of a subject. */
export function epochOf({ bySubject }: Epochs, subject: string): Buffer | undefined {
  return bySubject.get(digestOf(subject))
}

/** The table with a new epoch for a subject, which is needed at least until `then`. */
export function withEpoch({ until, bySubject }: Epochs, subject: string, epoch: Buffer, then: number): Epochs {
  return { until: Math.max(until, then), bySubject: new Map(bySubject).set(digestOf(subject), epoch) }
}

/** Encodes a table. */
export function encodeEpochs({ until, bySubject }: Epochs): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeDoubleBE(until)
  return Buffer.concat([head, ...[...bySubject].flatMap(([digest, epoch]) => [Buffer.from(digest, 'latin1'), epoch])])
}

/** Decodes a table. An epoch that is cut off is missing, which ends sessions, and never revives one. */
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

import { MEMORY, type Earlier, type Envelope } from './envelope.ts'
import { sameDigest } from './token.ts'

/** How long superseded secrets are told from unknown ones, and how long a marker lives, in ms. */
export const KNOWN_FOR = 60_000

/**
 * What a secret is worth to a record:
 *
 * - `current`: it is the one.
 * - `kept`: rotated away, and still in its window.
 * - `superseded`: rotated away, or of a marker.
 * - `mismatched`: not known.
 */
export type Verdict = 'current' | 'kept' | 'superseded' | 'mismatched'

/** Judges a secret by its digest. */
export function judge(envelope: Envelope, digest: Uint8Array, now: number): Verdict {
  if (sameDigest(envelope.digest, digest)) return envelope.marker ? 'superseded' : 'current'
  const earlier = find(envelope, digest)
  if (!earlier) return 'mismatched'
  if (envelope.marker) return 'superseded'
  return now < earlier.keptUntil ? 'kept' : now < earlier.knownUntil ? 'superseded' : 'mismatched'
}

/** True if the secret was valid when the marker was made. */
export function wasValidAtMarking(marker: Envelope, markerExpiresAt: number, digest: Uint8Array): boolean {
  return sameDigest(marker.digest, digest) || (find(marker, digest)?.keptUntil ?? 0) > markerExpiresAt - KNOWN_FOR
}

/** The secrets that came before, once the current one is rotated away: their windows end, its own may open. */
export function rotatedAway({ digest, earlier }: Envelope, now: number, keepFor: number): readonly Earlier[] {
  const knownUntil = now + keepFor + KNOWN_FOR
  const before = earlier
    .filter((secret) => now < secret.knownUntil)
    .map((secret) => ({ ...secret, keptUntil: Math.min(secret.keptUntil, now), knownUntil }))
  return [{ digest, keptUntil: now + keepFor, knownUntil }, ...before].slice(0, MEMORY)
}

function find(envelope: Envelope, digest: Uint8Array): Earlier | undefined {
  return envelope.earlier.find((secret) => sameDigest(secret.digest, digest))
}

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
export function judge(envelope: Envelope, digest: string, now: number): Verdict {
  const { marker, earlier } = envelope
  if (sameDigest(envelope.digest, digest)) return marker ? 'superseded' : 'current'
  for (const [before, keptUntil, knownUntil] of earlier)
    if (sameDigest(before, digest))
      return marker || now >= keptUntil ? (marker || now < knownUntil ? 'superseded' : 'mismatched') : 'kept'
  return 'mismatched'
}

/** True if the secret was valid when the marker was made. */
export function wasValidAtMarking(
  { digest: last, earlier }: Envelope,
  markerExpiresAt: number,
  digest: string,
): boolean {
  const markedAt = markerExpiresAt - KNOWN_FOR
  return (
    sameDigest(last, digest) ||
    earlier.some(([before, keptUntil]) => sameDigest(before, digest) && markedAt < keptUntil)
  )
}

/** The secrets that came before, once the current one is rotated away: their windows end, its own may open. */
export function rotatedAway({ digest, earlier }: Envelope, now: number, keepFor: number): readonly Earlier[] {
  const known = now + keepFor + KNOWN_FOR
  const before = earlier.flatMap(([secret, kept, until]): Earlier[] =>
    now < until ? [[secret, Math.min(kept, now), known]] : [],
  )
  return [[digest, now + keepFor, known] as const, ...before].slice(0, MEMORY)
}

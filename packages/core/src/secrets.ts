import { EARLIER_SECRETS, type Earlier, type Envelope } from './envelope.ts'
import { sameDigest } from './token.ts'

/** How long superseded secrets are told from unknown ones, and how long a marker lives. */
export const SUPERSEDED_KNOWN_MS = 60_000

/** The longest window of a kept secret (60 s), and 5 s for clocks that are not alike. */
const WINDOW_AND_SKEW_MS = 65_000

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
    if (sameDigest(before, digest)) {
      if (!marker && isOpen(keptUntil, now)) return 'kept'
      return marker || now < knownUntil ? 'superseded' : 'mismatched'
    }
  return 'mismatched'
}

/** The digests of the secrets that are valid now: the current one, and those whose window is open. None of a marker. */
export function validDigests({ marker, digest, earlier }: Envelope, now: number): readonly string[] {
  const kept = earlier.filter(([, keptUntil]) => isOpen(keptUntil, now)).map(([before]) => before)
  return marker ? [] : [digest, ...kept]
}

/**
 * True while a window is open. No window, and a closed one, are stored as 0, which no clock takes for a time to come. A
 * clock that stands long before the window's end is slow: no window is so long.
 */
function isOpen(keptUntil: number, now: number): boolean {
  return keptUntil - WINDOW_AND_SKEW_MS <= now && now < keptUntil
}

/** The earlier secrets for any write: a window that has passed is closed for good, for slower clocks too. */
export function withoutPassedWindows(earlier: readonly Earlier[], now: number): readonly Earlier[] {
  const passed = ([, keptUntil]: Earlier): boolean => keptUntil !== 0 && keptUntil <= now
  return earlier.some(passed)
    ? earlier.map((secret) => (passed(secret) ? ([secret[0], 0, secret[2]] as const) : secret))
    : earlier
}

/** The earlier secrets for a marker: those that are valid now keep their window's end, the others have 0. */
export function validAtMarking(earlier: readonly Earlier[], now: number): readonly Earlier[] {
  return earlier.map(([digest, keptUntil, knownUntil]) => [digest, isOpen(keptUntil, now) ? keptUntil : 0, knownUntil])
}

/** True if the secret was valid when the marker was made: the marker says so, whatever the time is. */
export function wasValidAtMarking({ digest: last, earlier }: Envelope, digest: string): boolean {
  return (
    sameDigest(last, digest) || earlier.some(([before, keptUntil]) => keptUntil !== 0 && sameDigest(before, digest))
  )
}

/** The secrets that came before, once the current one is rotated away: their windows are closed, its own may open. */
export function rotatedAway({ digest, earlier }: Envelope, now: number, keepFor: number): readonly Earlier[] {
  const knownUntil = now + keepFor + SUPERSEDED_KNOWN_MS
  const before = earlier.flatMap(([secret, , until]): Earlier[] =>
    // Another server's clock may run ahead of this one's: what it promised is not shortened.
    now < until ? [[secret, 0, Math.max(until, knownUntil)]] : [],
  )
  return [[digest, keepFor && now + keepFor, knownUntil] as const, ...before].slice(0, EARLIER_SECRETS)
}

import { EARLIER_SECRETS, type Earlier, type Envelope } from './envelope.ts'
import { sameDigest } from './token.ts'

/** How long a replaced secret is known as superseded, and how long a marker lives, in ms. */
export const SUPERSEDED_KNOWN_MS = 60_000

/** The longest window of a kept secret (60 s), and 5 s for the difference of two clocks. */
const WINDOW_AND_SKEW_MS = 65_000

/**
 * The verdict on a secret:
 *
 * - `current`: it is the secret of the record.
 * - `kept`: it was replaced, and its `keepOldFor` has not ended.
 * - `superseded`: it was replaced, or the record is a marker.
 * - `mismatched`: the record does not know it.
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

/** The digests of the secrets that are valid now: the current one, and those whose window is open. A marker has none. */
export function validDigests({ marker, digest, earlier }: Envelope, now: number): readonly string[] {
  const kept = earlier.filter(([, keptUntil]) => isOpen(keptUntil, now)).map(([before]) => before)
  return marker ? [] : [digest, ...kept]
}

/**
 * True while a window is open. No window, or a closed window, is stored as 0, which is in the past for every clock. If `now` is
 * further before the end than the longest window, this clock is slow, and the window counts as closed.
 */
function isOpen(keptUntil: number, now: number): boolean {
  return keptUntil - WINDOW_AND_SKEW_MS <= now && now < keptUntil
}

/** The earlier secrets, as any write stores them: windows that have ended are stored as 0, so that they are closed for slower clocks too. */
export function withoutPassedWindows(earlier: readonly Earlier[], now: number): readonly Earlier[] {
  const passed = ([, keptUntil]: Earlier): boolean => keptUntil !== 0 && keptUntil <= now
  return earlier.some(passed)
    ? earlier.map((secret) => (passed(secret) ? ([secret[0], 0, secret[2]] as const) : secret))
    : earlier
}

/** The earlier secrets, as a marker stores them: secrets that are valid now keep the end of their window, the others get 0. */
export function validAtMarking(earlier: readonly Earlier[], now: number): readonly Earlier[] {
  return earlier.map(([digest, keptUntil, knownUntil]) => [digest, isOpen(keptUntil, now) ? keptUntil : 0, knownUntil])
}

/** True if the secret was valid when the marker was made. The marker stores this, so it does not depend on the time. */
export function wasValidAtMarking({ digest: last, earlier }: Envelope, digest: string): boolean {
  return (
    sameDigest(last, digest) || earlier.some(([before, keptUntil]) => keptUntil !== 0 && sameDigest(before, digest))
  )
}

/** The earlier secrets after a rotation: the replaced secret comes first and may get a window; the windows of the others are closed. */
export function rotatedAway({ digest, earlier }: Envelope, now: number, keepFor: number): readonly Earlier[] {
  const knownUntil = now + keepFor + SUPERSEDED_KNOWN_MS
  const before = earlier.flatMap(([secret, , until]): Earlier[] =>
    // The clock of another server may be ahead of this one: do not shorten the time that it stored.
    now < until ? [[secret, 0, Math.max(until, knownUntil)]] : [],
  )
  return [[digest, keepFor && now + keepFor, knownUntil] as const, ...before].slice(0, EARLIER_SECRETS)
}

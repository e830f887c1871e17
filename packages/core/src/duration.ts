import { invalid } from './option-check.ts'

/**
 * A duration: a number with a unit, such as `'250ms'`, `'90s'`, `'30m'`, `'12h'`, `'14d'`; or a bare number of milliseconds, at least
 * 1000. A smaller bare number is refused, because it was probably meant as seconds or minutes. Some options also take 0 or `'0s'`.
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const LONGEST_MS = 1e13
/** The longest time of a timer, rounded down to days: 24 days. */
export const LONGEST_TIMER_MS: number = 24 * 86_400_000

/** A bare number below this was probably meant as seconds or minutes. */
const LEAST_BARE_MS = 1000

/**
 * Converts a duration to ms.
 *
 * @param option - The name of the value in messages.
 * @param limits - `zero`: 0 is allowed. Default: false.
 * @throws {SessError} `invalid_option` unless the duration is more than 0 and at most 10¹³ ms (some 317 years); also for a bare
 *   number below 1000, which was probably meant as seconds or minutes.
 */
export function milliseconds(
  value: Duration,
  option: string,
  { zero = false }: { readonly zero?: boolean } = {},
): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : undefined
  const ms = match ? Math.round(Number(match[1]) * UNITS[match[2]!]!) : value
  if (!match && typeof ms === 'number' && ms > 0 && ms < LEAST_BARE_MS)
    throw invalid(
      option,
      `is ${ms}, and a bare number is milliseconds: write '${ms}m', '${ms}s', or '${ms}ms' if that is meant`,
    )
  if (typeof ms === 'number' && (ms > 0 || (zero && ms === 0)) && ms <= LONGEST_MS) return Math.ceil(ms)
  throw invalid(
    option,
    `is ${JSON.stringify(value) ?? String(value)}, and no duration; give ms ${zero ? 'from' : 'above'} 0, or text such as '30m' (ms, s, m, h, d)`,
  )
}

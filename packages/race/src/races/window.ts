import type { Baseline } from '../result.ts'

/**
 * When the second request may leave, in ms after the in-flight one: from so early that it is almost done when the other
 * begins, to so late that the other is almost done.
 */
export function inFlightWindow({ latencyMs }: Baseline, secondMs = 0): [from: number, to: number] {
  return [secondMs * -0.9, latencyMs.inFlight * 0.9]
}

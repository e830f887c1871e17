import type { Baseline } from '../result.ts'

/**
 * The window for the start of the second request, in ms after the start of the in-flight request: from so early that the second is almost
 * done when the in-flight request starts, to so late that the in-flight request is almost done.
 */
export function inFlightWindow({ latencyMs }: Baseline, secondMs = 0): [from: number, to: number] {
  return [secondMs * -0.9, latencyMs.inFlight * 0.9]
}

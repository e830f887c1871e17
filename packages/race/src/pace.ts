import { setImmediate, setTimeout } from 'node:timers/promises'

/** Timers have a resolution of a millisecond, so the end of a wait is spent in turns of the event loop. */
const COARSE_MS = 1.5

async function until(time: number): Promise<void> {
  const rest = time - performance.now() - COARSE_MS
  if (rest > 0) await setTimeout(rest)
  while (performance.now() < time) await setImmediate()
}

/**
 * Spreads any number of trials evenly over a window, by multiples of the golden ratio.
 *
 * @returns The offset of this trial, in ms, like the ends of the window.
 */
export function offsetOf(trial: number, [from, to]: readonly [number, number]): number {
  return from + (to - from) * ((0.5 + trial * 0.618_033_988_749_895) % 1)
}

/** Starts two functions, the second `offsetMs` after the first; if the offset is negative, the second starts first. */
export async function apart<A, B>(
  offsetMs: number,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  if (offsetMs < 0) {
    const [later, earlier] = await apart(-offsetMs, second, first)
    return [earlier, later]
  }
  const earlier = first()
  const start = performance.now()
  // If it fails, this function rejects, but only when both were started.
  earlier.catch(() => {})
  if (offsetMs > 0) await until(start + offsetMs)
  return Promise.all([earlier, second()])
}

/** Whether two requests were in flight at the same time. */
export const overlap = (a: Span, b: Span): boolean => a.startedAt < b.endedAt && b.startedAt < a.endedAt

interface Span {
  readonly startedAt: number
  readonly endedAt: number
}

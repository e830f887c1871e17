import { setImmediate, setTimeout } from 'node:timers/promises'

/** Timers are a millisecond coarse, so the end of a wait is spent in turns of the event loop. */
const COARSE_MS = 1.5

async function until(time: number): Promise<void> {
  const rest = time - performance.now() - COARSE_MS
  if (rest > 0) await setTimeout(rest)
  while (performance.now() < time) await setImmediate()
}

/**
 * Spreads the trials evenly over a window, any number of them: the golden ratio's multiples leave no gap.
 *
 * @returns The offset for this trial, in ms; the window's ends are offsets too.
 */
export function offsetOf(trial: number, [from, to]: readonly [number, number]): number {
  return from + (to - from) * ((0.5 + trial * 0.618_033_988_749_895) % 1)
}

/** Starts two things, the second so many ms after the first; before it, where that is negative. */
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
  // Its failure is this function's, once both were started.
  earlier.catch(() => {})
  if (offsetMs > 0) await until(start + offsetMs)
  return Promise.all([earlier, second()])
}

/** Whether two things were under way at the same time. */
export const overlap = (a: Span, b: Span): boolean => a.startedAt < b.endedAt && b.startedAt < a.endedAt

interface Span {
  readonly startedAt: number
  readonly endedAt: number
}

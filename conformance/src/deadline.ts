import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { HarnessError } from './result.ts'

/** The bytes that the kit hashes to measure the speed of the machine. */
const SAMPLE = new Uint8Array(2 ** 21)
/** The time of one hash on an idle machine of the usual speed, in ms. */
const USUAL_MS = 8
const SAMPLES = 3
/** The greatest slowness. On a slower or busier machine the user must raise `patience`. */
const MOST_TIMES = 10

let measured: Promise<number> | undefined

/**
 * Measures how many times slower than usual this machine is, from 1 to 10, by its processor or because other processes use it. It
 * measures once in a process, by the wall clock.
 */
export function slowness(): Promise<number> {
  return (measured ??= measure())
}

async function measure(): Promise<number> {
  const began = performance.now()
  for (let i = 0; i < SAMPLES; i++) {
    createHash('sha256').update(SAMPLE).digest()
    await setImmediate()
  }
  return Math.min(MOST_TIMES, Math.max(1, (performance.now() - began) / (SAMPLES * USUAL_MS)))
}

/**
 * Waits for the harness, with a timeout.
 *
 * @param patience - The timeout in ms on a machine of the usual speed; longer on a slow machine.
 * @param what - The name of the call, for the message.
 * @throws {HarnessError} At the timeout.
 */
export async function within<T>(promise: Promise<T>, patience: number, what: string): Promise<T> {
  // The promise may reject before the race begins.
  promise.catch(() => {})
  const limit = patience * (await slowness())
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new HarnessError(`${what} did not end within ${seconds(limit)}`)), limit)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

/** Formats a time in ms for a message: `1.5 s`. */
export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}

/**
 * Measures for how long a value has stayed the same, in ms of this process's own life. If the process had no turn for longer, because
 * the machine was busy or asleep, it counts at most the time of two looks.
 */
export class Stillness {
  readonly #look: () => unknown
  readonly #everyMs: number
  #value: unknown
  #looked = performance.now()
  #ms = 0

  /** @param everyMs - The time between two calls of `look`, in ms. */
  constructor(look: () => unknown, everyMs: number) {
    this.#look = look
    this.#everyMs = everyMs
    this.#value = look()
  }

  /** Looks again. @returns The time for which the value has been the same, in ms. */
  look(): number {
    const now = performance.now()
    const lived = Math.min(now - this.#looked, 2 * this.#everyMs)
    this.#looked = now
    const value = this.#look()
    this.#ms = Object.is(value, this.#value) ? this.#ms + lived : 0
    this.#value = value
    return this.#ms
  }
}

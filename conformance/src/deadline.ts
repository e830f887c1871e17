import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { HarnessError } from './result.ts'

/** What is hashed to see how fast the machine is. */
const SAMPLE = new Uint8Array(2 ** 21)
/** How long that takes on an idle machine of no particular speed, in ms. */
const USUAL_MS = 8
const SAMPLES = 3
/** A machine slower than this, or busier, has to be told so, by `patience`. */
const MOST = 10

let measured: Promise<number> | undefined

/**
 * How many times slower than usual this machine is, from 1 to 10: because of its processor, or because others use it.
 * Measured once in a process, by the wall clock.
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
  return Math.min(MOST, Math.max(1, (performance.now() - began) / (SAMPLES * USUAL_MS)))
}

/** Waits for the harness, so long and no longer, in ms on a machine of the usual speed. */
export async function within<T>(promise: Promise<T>, patience: number, what: string): Promise<T> {
  // It may fail before the race begins.
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

/** A time in ms, for a message. */
export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}

/**
 * Counts for how long a value has stayed the same, in ms of this process's own life: of a time in which the process had no
 * turn, because the machine was busy or asleep, no more counts than two looks apart.
 */
export class Stillness {
  readonly #look: () => unknown
  readonly #everyMs: number
  #value: unknown
  #looked = performance.now()
  #ms = 0

  /** @param everyMs - How often `look` will be called. */
  constructor(look: () => unknown, everyMs: number) {
    this.#look = look
    this.#everyMs = everyMs
    this.#value = look()
  }

  /** Looks again. @returns For how long the value has been the same. */
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

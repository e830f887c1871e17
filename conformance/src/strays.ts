import { setImmediate } from 'node:timers/promises'
import type { Result } from './result.ts'

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const

/** Catches errors that nothing handles. Such an error would end a user's process, but must not end a run. */
export class Strays {
  readonly #errors: unknown[] = []
  readonly #note = (error: unknown): void => void this.#errors.push(error)

  constructor() {
    for (const event of EVENTS) process.on(event, this.#note)
  }

  /** Returns the result of a case. If there was an unhandled error during the case, the case fails. */
  async judge(result: Result, id: string, seed: number): Promise<Result> {
    await setImmediate() // Node.js reports an unhandled rejection only after a turn
    const [stray] = this.#errors.splice(0)
    if (stray === undefined || ('error' in result && result.status !== 'deviates')) return result
    const error = new Error('an unhandled error, which would have ended the process', { cause: stray })
    return { status: 'fail', error, steps: [], replay: `--case ${id} --seed ${seed}` }
  }

  /** Stops: unhandled errors end the process again. */
  stop(): void {
    for (const event of EVENTS) process.off(event, this.#note)
  }
}

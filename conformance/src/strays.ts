import { setImmediate } from 'node:timers/promises'
import type { Result } from './result.ts'

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const

/** Errors that nobody waits for: they would end a user's process, and must not end a run. */
export class Strays {
  readonly #errors: unknown[] = []
  readonly #note = (error: unknown): void => void this.#errors.push(error)

  constructor() {
    for (const event of EVENTS) process.on(event, this.#note)
  }

  /** The result of a case, unless an error strayed during it: then that one fails. */
  async judge(result: Result, id: string, seed: number): Promise<Result> {
    await setImmediate() // a rejection counts as unhandled only then
    const [stray] = this.#errors.splice(0)
    if (stray === undefined || ('error' in result && result.status !== 'deviates')) return result
    const error = new Error('an error that nobody waited for, and that would have ended the process', { cause: stray })
    return { status: 'fail', error, steps: [], replay: `--case ${id} --seed ${seed}` }
  }

  /** Lets errors end the process again. */
  stop(): void {
    for (const event of EVENTS) process.off(event, this.#note)
  }
}

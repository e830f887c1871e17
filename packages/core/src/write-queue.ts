import type { DecodedRecord } from './codec.ts'
import { isSessError, SessError } from './error.ts'

/** How many writes may wait for one record. */
const MOST_WAITING = 1000

/** A writer's time at a record. It must be left, whatever happens. */
export interface Turn {
  /** The record as the writer before left it; undefined: not known. */
  readonly handed: DecodedRecord | undefined
  /**
   * Lets the next writer begin.
   *
   * @param left - The record as it is now, where that is known.
   * @param failure - Why the write failed. `store_unavailable` fails all that wait: the store would fail each of them.
   */
  leave(left?: DecodedRecord, failure?: unknown): void
}

interface Waiting {
  go(handed: DecodedRecord | undefined): void
  fail(error: SessError): void
}

/**
 * The writes of this process on one record, one after the other: each would otherwise lose against the others, however often
 * it tried. Deletes do not queue.
 */
export class WriteQueue {
  readonly #queues = new Map<string, Waiting[]>()

  /**
   * Waits for a turn, unless nobody is there.
   *
   * @param patience - How long, in ms.
   * @param place - `first`: before all that wait, for what ends the record.
   * @throws {SessError} `conflict` if it does not come, or too many wait; `store_unavailable` from a write before.
   */
  enter(handle: string, patience: number, place: 'first' | 'last' = 'last'): Turn | Promise<Turn> {
    const queue = this.#queues.get(handle)
    if (!queue) {
      this.#queues.set(handle, [])
      return this.#turn(handle, undefined)
    }
    if (queue.length >= MOST_WAITING && place === 'last') throw busy(handle)
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        go: (handed) => {
          clearTimeout(timer)
          resolve(this.#turn(handle, handed))
        },
        fail: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      }
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(waiting), 1)
        reject(busy(handle))
      }, patience)
      if (place === 'first') queue.unshift(waiting)
      else queue.push(waiting)
    })
  }

  #turn(handle: string, handed: DecodedRecord | undefined): Turn {
    return {
      handed,
      leave: (left, failure) => {
        const queue = this.#queues.get(handle)!
        if (isSessError(failure) && failure.code === 'store_unavailable') {
          this.#queues.delete(handle)
          for (const waiting of queue) waiting.fail(failure)
          return
        }
        const next = queue.shift()
        if (next) next.go(left)
        else this.#queues.delete(handle)
      },
    }
  }
}

function busy(handle: string): SessError {
  return new SessError('conflict', 'too many requests write the same session at once; nothing was written. Try again', {
    handle,
  })
}

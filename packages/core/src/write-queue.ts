import type { DecodedRecord } from './codec.ts'
import { isSessError, SessError } from './error.ts'

/** How many writes may wait for one record. */
const MOST_WAITING = 1000

/** The turn of one writer at a record. The writer must call `leave`, even after a failure. */
export interface Turn {
  /** The record after the previous writer; undefined if it is not known. */
  readonly handed: DecodedRecord | undefined
  /**
   * Lets the next writer begin.
   *
   * @param left - The record as it is now, if known.
   * @param failure - The error of the write. `store_unavailable` also fails all waiting writers, since the store would fail each.
   */
  leave(left?: DecodedRecord, failure?: unknown): void
}

interface Waiting {
  go(handed: DecodedRecord | undefined): void
  fail(error: SessError): void
}

/**
 * Runs the writes of this process to one record one after the other. Without the queue they would conflict with each other, and a
 * write might lose at every try. Deletes do not queue.
 */
export class WriteQueue {
  readonly #queues = new Map<string, Waiting[]>()

  /**
   * Waits for a turn. Returns at once if no other writer is active.
   *
   * @param maxWaitMs - The longest time to wait, in ms.
   * @param place - `first`: before all waiting writers, for a write that ends the session.
   * @throws {SessError} `conflict` if the time is over, or if too many writers wait; `store_unavailable` of an earlier writer.
   */
  enter(handle: string, maxWaitMs: number, place: 'first' | 'last' = 'last'): Turn | Promise<Turn> {
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
      }, maxWaitMs)
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

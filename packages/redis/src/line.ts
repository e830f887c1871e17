import type { SessError } from '@sess/core'
import type { RedisClient } from './client.ts'
import { failure } from './errors.ts'
import { evaluate, type Answer } from './script.ts'

const LOST = 'no connection; writes go once'

/** The way to the master: a write is sent once, and soon. */
export interface Line {
  /** Asks the master. @throws {SessError} `store_unavailable`. */
  ask<T>(send: () => Promise<T>): Promise<T>
  /**
   * Runs the script.
   *
   * @param confirm - What has to be done before it is acknowledged.
   * @throws {SessError} `store_unavailable`, `store_full`, `unknown_outcome`.
   */
  write(
    keys: readonly string[],
    values: readonly (string | Buffer)[],
    confirm?: () => Promise<void>,
  ): Promise<readonly Answer[]>
  /** To be called when a connection is lost, before anything is sent again. */
  lost(): void
  /** Everything rejects from now on. */
  close(): void
}

/**
 * After a lost connection ioredis sends again what had no answer, and what was queued meanwhile, however late. A create that
 * had arrived would then answer "taken", and a revocation end the sessions of an hour later. So each write carries a byte,
 * and is done only while that says `1`. ioredis reads the bytes of a value each time that it sends them: when a connection
 * is lost, the byte is changed.
 *
 * @param empty - A key that holds nothing. It is deleted once on each connection: a replica, which may show what has ended,
 *   refuses that. Undefined where the client knows its masters.
 */
export function lineTo(client: RedisClient, empty: string | undefined): Line {
  let permit = Buffer.from('1')
  let master: Promise<unknown> | undefined
  let closed = false
  const isReady = (): boolean => !closed && client.status === 'ready'

  function failed(cause: unknown, sent: boolean): SessError {
    master = undefined
    return failure(cause as Error, sent)
  }

  const ask: Line['ask'] = async (send) => {
    if (closed) throw failure(new Error('closed'), false)
    try {
      if (empty) await (master ??= client.del(empty))
      return await send()
    } catch (cause) {
      throw failed(cause, false)
    }
  }

  return {
    ask,
    async write(keys, values, confirm) {
      // As long as core waits for an answer at most.
      const deadline = performance.now() + 10_000
      while (!isReady()) {
        await ask(() => client.mgetBuffer([keys[0]!]))
        if (performance.now() > deadline) throw failure(new Error(LOST), false)
      }
      const mine = permit
      try {
        const answer = await evaluate(client, keys, [mine, ...values])
        await confirm?.()
        // A lost connection leads to another server perhaps, of which a confirmation says nothing.
        if (answer === -1 || (confirm && mine !== permit)) throw new Error(LOST)
        return answer
      } catch (cause) {
        throw failed(cause, true)
      }
    },
    lost() {
      permit[0] = 0
      permit = Buffer.from('1')
      master = undefined
    },
    close() {
      closed = true
    },
  }
}

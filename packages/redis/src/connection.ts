import type { SessError } from '@sess/core'
import type { RedisClient } from './client.ts'
import { failure, isNeverSent, type Outcome } from './errors.ts'
import { NoConnection, outageOf } from './outage.ts'
import { refusedByRole, roleOf } from './role.ts'
import { evaluate, type Answer } from './script.ts'

/** How late a command may be sent, in ms: as long as core waits for an answer at most. */
const LATEST_MS = 10_000

/** A store's way to the master: reads are a master's answers, a write is sent once. */
export interface Connection {
  /**
   * Asks the master; again, where the connection was lost meanwhile.
   *
   * @throws {SessError} `store_unavailable`.
   */
  ask<T>(send: () => Promise<T>): Promise<T>
  /**
   * Runs the script.
   *
   * @param confirm - What has to be done before the script's answers are passed on.
   * @throws {SessError} `store_unavailable`, `store_full`, `unknown_outcome`.
   */
  write(
    keys: readonly string[],
    values: readonly (string | Uint8Array)[],
    confirm?: () => Promise<void>,
  ): Promise<readonly Answer[]>
  /** Everything rejects from now on. The client stays as it is. */
  close(): void
}

/** How a client's connections are made. */
export interface Wiring {
  /** A key that holds nothing, to see that the server is a master by; undefined where the client knows its masters. */
  readonly nothing?: string | undefined
  /**
   * Calls back when a connection is lost, before anything is sent again.
   *
   * @param listener - `all`: what was under way on the client has no answer any more.
   * @returns What ends that.
   */
  onLoss(listener: (all: boolean) => void): () => void
}

/**
 * After a lost connection ioredis sends again what had no answer, and what was queued meanwhile, however late. A create that
 * had arrived would then answer "taken", and a revocation end the sessions of an hour later. So each write carries a byte,
 * and the script does nothing unless it says `1`. ioredis reads the bytes of a value each time that it sends them: when a
 * connection is lost, the byte is changed.
 */
export function connectionOf(client: RedisClient, { nothing, onLoss }: Wiring): Connection {
  const outage = outageOf(client)
  const role = roleOf(client, nothing)
  let once = Buffer.from('1')
  let closed = false

  const forget = onLoss((all) => {
    once[0] = 0
    once = Buffer.from('1')
    role.doubt()
    if (all) outage.lost()
  })

  /** Waits until commands go straight to a server. @throws {SessError} `store_unavailable`. */
  async function connected(deadline: number): Promise<void> {
    try {
      if (closed) throw new Error('the store is closed')
      for (let waits = outage.connected(); waits; waits = outage.connected()) {
        await waits
        if (performance.now() > deadline) throw new NoConnection('the connection is lost again and again')
      }
    } catch (cause) {
      throw failure(cause as Error)
    }
  }

  /** What a failed call says of the record: see {@link failure}. */
  function failed(cause: unknown, outcome?: Outcome): SessError {
    if (refusedByRole(cause as Error)) role.doubt()
    return failure(cause as Error, outcome)
  }

  return {
    async ask(send) {
      const deadline = performance.now() + LATEST_MS
      for (;;) {
        await connected(deadline)
        const { doubts } = role
        try {
          const [answer] = await outage.unlessLost(Promise.all([send(), role.prove()]))
          if (doubts === role.doubts) return answer
        } catch (cause) {
          // An answer, or an error, of a connection that is gone: the next one is asked.
          if (doubts === role.doubts || refusedByRole(cause as Error)) throw failed(cause)
        }
        if (performance.now() > deadline) throw failure(new NoConnection('the server is in doubt again and again'))
      }
    },

    async write(keys, values, confirm) {
      await connected(performance.now() + LATEST_MS)
      const mine = once
      const sentAt = performance.now()
      let answers: readonly Answer[]
      try {
        const answer = await outage.unlessLost(evaluate(client, keys, [mine, ...values]))
        if (answer === 'resent')
          throw new NoConnection('the connection was lost before the answer, and a write is sent once')
        role.proven(sentAt)
        answers = answer
      } catch (cause) {
        throw failed(cause, mine === once && isNeverSent(cause as Error) ? 'refused' : 'sent')
      }
      try {
        if (confirm) await outage.unlessLost(confirm())
        // A lost connection leads to another server perhaps, of which a confirmation says nothing.
        if (confirm && mine !== once) throw new NoConnection('the connection was lost before the confirmation')
      } catch (cause) {
        throw failed(cause, 'applied')
      }
      return answers
    },

    close() {
      closed = true
      forget()
      outage.end()
    },
  }
}

import type { SessError } from '@sess/core'
import type { RedisClient } from './client.ts'
import { failure, isNeverSent, type Outcome, regrouped } from './errors.ts'
import { NoConnection, outageOf } from './outage.ts'
import { refusedByRole, roleOf } from './role.ts'
import { evaluate, type Answer } from './script.ts'

/** The latest time at which a command may be sent, in ms after the call: the longest `storeTimeout` of core. */
const LATEST_MS = 10_000

/** Sends the commands of a store: reads return answers of a master only, and a write is applied at most once. */
export interface Connection {
  /**
   * Sends a read to the master. It retries if the connection was lost meanwhile.
   *
   * @throws {SessError} `store_unavailable`.
   */
  ask<T>(send: () => Promise<T>): Promise<T>
  /**
   * Runs the write script.
   *
   * @param confirm - Called after the script; the answers are returned once it has resolved.
   * @throws {SessError} `store_unavailable`, `store_full`, `unknown_outcome`.
   */
  write(
    keys: readonly string[],
    values: readonly (string | Uint8Array)[],
    confirm?: () => Promise<void>,
  ): Promise<readonly Answer[]>
  /** Makes all later calls reject. It does not close the client. */
  close(): void
}

/** What a {@link Connection} needs to know of a client. */
export interface Wiring {
  /** A key that never exists. Deleting it proves that the server is a master. Undefined if the client itself knows its masters. */
  readonly nothing?: string | undefined
  /**
   * Calls `listener` when a connection is lost, before the client sends a command again.
   *
   * @param listener - `all`: true if no command in flight on this client will get its answer.
   * @returns A function that removes the listener.
   */
  onLoss(listener: (all: boolean) => void): () => void
}

/**
 * Makes a {@link Connection} on a client.
 *
 * After a lost connection ioredis sends unanswered and queued commands again, however late. A create that had arrived would then
 * answer "taken", and a late revocation would end sessions of users who have signed in again. So each write carries a byte, and the
 * script does nothing unless the byte is `1`. ioredis reads the bytes of an argument each time that it sends them: when a connection
 * is lost, this code changes the byte of all writes in flight.
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

  /** Waits until the client is connected. @throws {SessError} `store_unavailable`. */
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

  /** The error of a failed call: see {@link failure}. If the server refused as a replica does, its role is in doubt. */
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
          const [answer] = await outage.unlessLost(Promise.all([regrouped(send), role.prove()]))
          if (doubts === role.doubts) return answer
        } catch (cause) {
          // The error came from a connection that is lost, so ask again on the next connection.
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
        const answer = await outage.unlessLost(regrouped(() => evaluate(client, keys, [mine, ...values])))
        if (answer === 'resent')
          throw new NoConnection('the connection was lost before the answer, and a write is sent once')
        role.proven(sentAt)
        answers = answer
      } catch (cause) {
        throw failed(cause, mine === once && isNeverSent(cause as Error) ? 'refused' : 'sent')
      }
      try {
        if (confirm) await outage.unlessLost(confirm())
        // After a lost connection the confirmation may be from another server, and proves nothing about the write.
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

import type { RedisClient } from './client.ts'

/** For how long an answer that only a master gives lets reads go without another, in ms. */
const PROVEN_MS = 1000

/** Whether the server is a master: a replica may show a session that has ended. */
export interface Role {
  /**
   * Sends what only a master accepts, in front of what is sent next on the connection: the deletion of a key that holds
   * nothing. Undefined: the server has shown within the last second that it is a master. Rejects where it is none.
   */
  prove(): Promise<unknown> | undefined
  /** The server has accepted a write that was sent at this time of `performance.now()`. */
  proven(sentAt: number): void
  /** Nothing is known of the server: the connection was lost, or it has refused what a master accepts. */
  doubt(): void
  /** Changes with each doubt: an answer that was asked for before one says nothing after it. */
  readonly doubts: number
}

/** What a server refuses with that is no master, or that nobody follows (`min-replicas-to-write`). */
const REFUSALS = ['READONLY', 'MASTERDOWN', 'NOREPLICAS', 'LOADING']

/** Whether an error says that the server may be no master. */
export const refusedByRole = (cause: Error): boolean => REFUSALS.some((code) => cause.message.includes(code))

/** @param nothing - A key that holds nothing; undefined where the client knows its masters, and nothing is proven. */
export function roleOf(client: RedisClient, nothing: string | undefined): Role {
  let provenAt = -Infinity
  let proof: Promise<unknown> | undefined
  let doubts = 0
  return {
    get doubts() {
      return doubts
    },
    prove() {
      if (nothing === undefined) return undefined
      const sentAt = performance.now()
      if (sentAt - provenAt < PROVEN_MS) return undefined
      if (proof) return proof
      const asked = doubts
      const mine = client.del(nothing).then(
        () => {
          if (asked === doubts) provenAt = sentAt
        },
        (cause: Error) => {
          // Only a master says that its disk fails; it goes on reading.
          if (!cause.message.startsWith('MISCONF')) throw cause
          if (asked === doubts) provenAt = sentAt
        },
      )
      const clear = (): void => {
        if (proof === mine) proof = undefined
      }
      mine.then(clear, clear)
      return (proof = mine)
    },
    proven(sentAt) {
      provenAt = sentAt
    },
    doubt() {
      doubts++
      provenAt = -Infinity
      proof = undefined
    },
  }
}

import type { RedisClient } from './client.ts'

/** How long a proof that the server is a master is valid, in ms. */
const PROVEN_MS = 1000

/** Checks that the server is a master: a replica may show a session that has ended. */
export interface Role {
  /**
   * Sends a command that only a master accepts, before the next command on the connection: the deletion of a key that does not exist.
   * It rejects if the server is not a master. Undefined if the last proof is still valid.
   */
  prove(): Promise<unknown> | undefined
  /** Call it when the server has accepted a write that was sent at this time of `performance.now()`: this is a proof. */
  proven(sentAt: number): void
  /** Call it when the connection was lost, or the server has refused as a replica does: the last proof becomes invalid. */
  doubt(): void
  /** The number of calls of {@link doubt}. If it has changed between a request and its answer, do not believe the answer. */
  readonly doubts: number
}

/** The codes with which a server refuses that is not a master, or a master without enough replicas (`min-replicas-to-write`). */
const REFUSALS = ['READONLY', 'MASTERDOWN', 'NOREPLICAS', 'LOADING']

/** Whether an error means that the server may not be a master. */
export const refusedByRole = (cause: Error): boolean => REFUSALS.some((code) => cause.message.includes(code))

/** @param nothing - A key that never exists; undefined if the client itself knows its masters, and no proof is needed. */
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
          // MISCONF (its disk fails) is an answer of a master, which still serves reads.
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

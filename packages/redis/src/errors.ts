import { setTimeout as delay } from 'node:timers/promises'
import { SessError } from '@sess/core'

/**
 * What is known about a call that failed. `refused`: it was not sent, or it writes nothing. `sent`: it may have been applied, unless
 * the error is from the server, which then refused it. `applied`: it was applied, and a later step failed.
 */
export type Outcome = 'refused' | 'sent' | 'applied'

/**
 * The error of ioredis for a group of commands to one node (auto-pipelining), if slots have moved since: it is not sent. If slots move while
 * a group is under way, ioredis gives the node's redirection to the command that it belongs to, which the node has not executed.
 */
const SLOTS_MOVED = 'All keys in the pipeline should belong to the same slots'
const REDIRECTED = /^(?:MOVED|ASK|TRYAGAIN) /
/** How often a command is sent again. The waits before it double, from 2 ms on: a second in all. */
const MOST_RESENDS = 10

/**
 * Sends a command, and sends it again if slots have moved and no node has executed it: at first at once, and then after a while, since
 * ioredis refuses its groups until it has the new list of slots.
 */
export async function regrouped<T>(send: () => Promise<T>, resends = 0): Promise<T> {
  try {
    return await send()
  } catch (error) {
    const { message } = error as Error
    if (resends === MOST_RESENDS || !(message.includes(SLOTS_MOVED) || REDIRECTED.test(message))) throw error
    if (resends > 0) await delay(2 ** resends)
    return regrouped(send, resends + 1)
  }
}

/** Texts in the errors of ioredis and of the package `redis` for commands that they have not sent. */
const NEVER_SENT = [
  'only subscriber commands may be used',
  'Connection is in monitoring mode',
  'enableOfflineQueue options is false',
  'Cluster is ended',
  'The client is closed',
  'The client is offline',
  'The queue is full',
  'The command was not sent',
  SLOTS_MOVED,
]

/** Errors of a server begin with a code in capitals; errors of a client do not. */
const REPLY = /^[A-Z][A-Z\d_]* /

/** Whether the client itself refused a command. It may also refuse to resend a command that it has sent before. */
export const isNeverSent = ({ message }: Error): boolean => NEVER_SENT.some((words) => message.includes(words))

/**
 * Turns the error of a failed call into a `SessError`.
 *
 * @returns `store_unavailable` or `store_full` if nothing was applied; otherwise `unknown_outcome`.
 */
export function failure(cause: Error & { command?: unknown }, outcome: Outcome = 'refused'): SessError {
  // ioredis adds the command, and so the session's data, to its errors. A logger would write them to the log.
  delete cause.command
  const { message } = cause
  const isRefused = outcome === 'refused' || (outcome === 'sent' && REPLY.test(message))
  return new SessError(
    !isRefused ? 'unknown_outcome' : message.includes('OOM ') ? 'store_full' : 'store_unavailable',
    /only subscriber commands|only \(P\|S\)SUBSCRIBE/.test(message)
      ? `${message}: give the store a client of its own`
      : message,
    { cause },
  )
}

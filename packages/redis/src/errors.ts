import { SessError } from '@sess/core'

/**
 * What is known about a call that failed. `refused`: it was not sent, or it writes nothing. `sent`: it may have been applied, unless
 * the error is from the server, which then refused it. `applied`: it was applied, and a later step failed.
 */
export type Outcome = 'refused' | 'sent' | 'applied'

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

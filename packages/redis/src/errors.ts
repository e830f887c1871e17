import { SessError } from '@sess/core'

/**
 * What is known of a call that failed. `refused`: it has not left this process, or it writes nothing. `sent`: it may have
 * been applied, unless the server's own error says that it was refused. `applied`: what failed came after it.
 */
export type Outcome = 'refused' | 'sent' | 'applied'

/** The words of ioredis, and of the package `redis`, for commands that they have not sent. */
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

/** A server's error begins with a code in capitals; those of clients do not. */
const REPLY = /^[A-Z][A-Z\d_]* /

/** Whether the client itself refused a command. It says so of one that it was to send again, too. */
export const isNeverSent = ({ message }: Error): boolean => NEVER_SENT.some((words) => message.includes(words))

/**
 * What a failed call says about the record.
 *
 * @returns `store_unavailable` or `store_full` where nothing was applied; else `unknown_outcome`.
 */
export function failure(cause: Error & { command?: unknown }, outcome: Outcome = 'refused'): SessError {
  // ioredis hangs the command on its errors, and with it the session's data; a logger would write it down.
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

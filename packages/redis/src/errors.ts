import { SessError } from '@sess/core'

/** What is thrown for an option that cannot be used. */
export function invalid(option: string, what: string): SessError {
  return new SessError('invalid_option', `${option} ${what}`)
}

/** What is thrown for a payload that is larger than the option allows. */
export function tooLarge(length: number, maxPayloadBytes: number): SessError {
  return new SessError('too_large', `a payload of ${length} bytes; maxPayloadBytes is ${maxPayloadBytes}`)
}

/**
 * What a failed call says about the record.
 *
 * @param sent - False: the command has not left this process, or it writes nothing.
 * @returns `store_full` or `store_unavailable` where nothing was applied, which an error reply of the server says too;
 *   else `unknown_outcome`.
 */
export function failure(cause: Error & { command?: unknown }, sent: boolean): SessError {
  // ioredis hangs the command on its errors, and with it the session's data; a logger would write it down.
  delete cause.command
  const { message } = cause
  const refused = cause.name === 'ReplyError'
  return new SessError(
    message.includes('OOM ') ? 'store_full' : sent && !refused ? 'unknown_outcome' : 'store_unavailable',
    message,
    { cause },
  )
}

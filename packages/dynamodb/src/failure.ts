import { SessError, type SessErrorCode } from '@sess/core'

const THROTTLED = /Throttl|ThroughputExceeded|LimitExceeded|TooManyRequests/
const DENIED = /AccessDenied|Credentials|Token|Signature|UnrecognizedClient/

/**
 * True when an attempt changed nothing for certain: DynamoDB said no, or was never reached. False for what may have been
 * applied: a lost connection, no answer in time, a failure inside DynamoDB (5xx).
 */
export function changedNothing(error: unknown): boolean {
  const { $metadata, code, syscall } = error as {
    $metadata?: { httpStatusCode?: number }
    code?: string
    syscall?: string
  }
  const status = $metadata?.httpStatusCode ?? 0
  return (
    (status >= 400 && status < 500) || code === 'ECONNREFUSED' || syscall === 'connect' || syscall === 'getaddrinfo'
  )
}

/**
 * What a failed call says about the record.
 *
 * @param unsure - True: a write has left this process, and may have been applied.
 * @returns `unknown_outcome` then; else `too_large`, `store_full` or `store_unavailable`: nothing was applied.
 */
export function failure(cause: unknown, unsure: boolean, table: string): SessError {
  const { name, message } = cause as Error
  const [code, text] = unsure
    ? (['unknown_outcome', 'DynamoDB did not say whether it wrote'] as const)
    : meaning(name, message, table)
  return new SessError(code, `${text} (${name}: ${message})`, { cause })
}

function meaning(name: string, message: string, table: string): readonly [SessErrorCode, string] {
  if (name === 'ItemCollectionSizeLimitExceededException')
    return ['store_full', `one subject has more than 10 GB in ${table}: remove the table's local secondary indexes`]
  if (name === 'ValidationException' && /size has exceeded/.test(message))
    return ['too_large', 'the session is larger than an item of DynamoDB may be, 400 KB']
  return ['store_unavailable', reason(name, table)]
}

function reason(name: string, table: string): string {
  if (name === 'ResourceNotFoundException')
    return `DynamoDB has no table ${table} in this account and region: make it with createSessionTable, or look at the client's region`
  if (name === 'AbortError') return `DynamoDB did not answer for ${table} in time`
  if (name === 'TransactionConflictException') return `a transaction of another program held the session in ${table}`
  if (THROTTLED.test(name)) return `DynamoDB throttled ${table}: raise its capacity, or make it on-demand`
  if (DENIED.test(name)) return `DynamoDB let nobody into ${table}: look at the client's credentials and their policy`
  return `DynamoDB did not serve ${table}`
}

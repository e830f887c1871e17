import { SessError, type SessErrorCode } from '@sess/core/adapter'

const THROTTLED = /Throttl|ThroughputExceeded|LimitExceeded|TooManyRequests/
const DENIED = /AccessDenied|UnrecognizedClient/
const UNSIGNED = /Credentials|Token|Signature/
/** A status that an intermediary may answer with after it has passed a request on. */
const OF_INTERMEDIARIES = [408, 499]

/** What Node.js says of a certificate, before the first byte of a request is sent. */
const CERTIFICATE = /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/
const NEVER_CONNECTED = /did not establish a connection|before secure TLS connection was established/

/** What is asked of an error of the SDK, of Node.js or of DynamoDB. */
interface Failure {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly code?: string
  readonly syscall?: string
  readonly message?: string
}

/**
 * True when an attempt changed nothing for certain: DynamoDB said no, or was never reached. False for what may have been
 * applied: a lost connection, no answer in time, a failure inside DynamoDB (5xx).
 *
 * @param error - Of an attempt. What failed before one began, such as signing, comes to no attempt.
 */
export function changedNothing(error: unknown): boolean {
  const { $metadata, code = '', syscall = '', message = '' } = error as Failure
  const status = $metadata?.httpStatusCode ?? 0
  const refused = status >= 400 && status < 500 && !OF_INTERMEDIARIES.includes(status)
  const connecting = code === 'ECONNREFUSED' || syscall === 'connect' || syscall === 'getaddrinfo'
  return refused || connecting || CERTIFICATE.test(code) || NEVER_CONNECTED.test(message)
}

/** True for a call that DynamoDB refused for its rate, and would do later. */
export function isThrottled(error: unknown): boolean {
  const { code, cause } = error as SessError
  return code === 'store_unavailable' && THROTTLED.test((cause as Error | undefined)?.name ?? '')
}

/**
 * What a failed call says about the record.
 *
 * @param unsure - True: a write has left this process, and may have been applied.
 * @returns `unknown_outcome` then; else nothing was applied: `too_large`, `store_full`, `configuration` for what will fail
 *   until somebody changes the table, its rights or the client, `store_unavailable` for the rest.
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
  const wrong = misconfigured(name, message, table)
  return wrong === undefined ? ['store_unavailable', reason(name, table)] : ['configuration', wrong]
}

function misconfigured(name: string, message: string, table: string): string | undefined {
  if (name === 'ResourceNotFoundException')
    return `DynamoDB has no table ${table} in this account and region: make it with createSessionTable, or look at the client's region`
  // What is sent is always the same but for its values, which fit: only the table can be wrong.
  if (name === 'ValidationException')
    return `table ${table} has another key than sessions need, or a secondary index on one of their attributes: let createSessionTable make a table under another name, and pass that as table`
  if (DENIED.test(name))
    return `DynamoDB does not let these credentials do this in ${table}: look at their policy; the README of @sess/dynamodb lists the least privileges`
  if (/Region is missing/.test(message)) return 'the client has no region: pass region to DynamoDBClient'
  return undefined
}

function reason(name: string, table: string): string {
  if (name === 'AbortError') return `DynamoDB did not answer for ${table} in time`
  if (name === 'TransactionConflictException') return `a transaction of another program held the session in ${table}`
  if (THROTTLED.test(name)) return `DynamoDB throttled ${table}: raise its capacity, or make it on-demand`
  if (UNSIGNED.test(name))
    return `DynamoDB took no signature for ${table}: look at the client's credentials and its clock`
  return `DynamoDB did not serve ${table}`
}

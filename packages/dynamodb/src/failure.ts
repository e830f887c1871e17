import { SessError, type SessErrorCode } from '@sess/core/adapter'

const THROTTLED = /Throttl|ThroughputExceeded|LimitExceeded|TooManyRequests/
const DENIED = /AccessDenied|UnrecognizedClient/
const UNSIGNED = /Credentials|Token|Signature/
/** The statuses with which a proxy may answer after it has passed a request on. */
const OF_INTERMEDIARIES = [408, 499]

/** The codes of Node.js for a certificate that is not trusted. They come before the first byte of a request is sent. */
const CERTIFICATE = /^(ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/
const NEVER_CONNECTED = /did not establish a connection|before secure TLS connection was established/

/** The properties of an error of the SDK, of Node.js or of DynamoDB that this file reads. */
interface Failure {
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly code?: string
  readonly syscall?: string
  readonly message?: string
}

/**
 * True if an attempt certainly changed nothing: DynamoDB refused, or was never reached. False if it may have been applied: the
 * connection was lost, no answer came in time, or DynamoDB failed (5xx).
 *
 * @param error - The error of an attempt. An error before the first attempt, such as of signing, does not come here.
 */
export function changedNothing(error: unknown): boolean {
  const { $metadata, code = '', syscall = '', message = '' } = error as Failure
  const status = $metadata?.httpStatusCode ?? 0
  const refused = status >= 400 && status < 500 && !OF_INTERMEDIARIES.includes(status)
  const connecting = code === 'ECONNREFUSED' || syscall === 'connect' || syscall === 'getaddrinfo'
  return refused || connecting || CERTIFICATE.test(code) || NEVER_CONNECTED.test(message)
}

/** True for the error of a throttled call, which would succeed later. */
export function isThrottled(error: unknown): boolean {
  const { code, cause } = error as SessError
  return code === 'store_unavailable' && THROTTLED.test((cause as Error | undefined)?.name ?? '')
}

/**
 * Turns the error of a failed call into a `SessError`.
 *
 * @param unsure - True: a write has left this process, and may have been applied.
 * @returns `unknown_outcome` if `unsure`. Otherwise nothing was applied: `too_large`; `store_full`; `configuration` if calls fail until
 *   somebody changes the table, its rights or the client; `store_unavailable` for every other error.
 */
export function failure(cause: unknown, unsure: boolean, table: string): SessError {
  const { name, message } = cause as Error
  const [code, text] = unsure
    ? (['unknown_outcome', 'DynamoDB did not answer a write, which may have been applied'] as const)
    : meaning(name, message, table)
  return new SessError(code, `${text} (${name}: ${message})`, { cause })
}

function meaning(name: string, message: string, table: string): readonly [SessErrorCode, string] {
  if (name === 'ItemCollectionSizeLimitExceededException')
    return ['store_full', `a subject has more than 10 GB in table ${table}: remove the table's local secondary indexes`]
  if (name === 'ValidationException' && /size has exceeded/.test(message))
    return ['too_large', 'the session is larger than an item of DynamoDB may be, 400 KB']
  const wrong = misconfigured(name, message, table)
  return wrong === undefined ? ['store_unavailable', reason(name, table)] : ['configuration', wrong]
}

function misconfigured(name: string, message: string, table: string): string | undefined {
  if (name === 'ResourceNotFoundException')
    return `DynamoDB has no table ${table} in this account and region: create it with createSessionTable, or check the client's region`
  // The store's requests are valid, so only the table can be wrong.
  if (name === 'ValidationException')
    return `table ${table} has another key than sessions need, or a secondary index on one of their attributes: create a table with another name by createSessionTable, and pass its name as table`
  if (DENIED.test(name))
    return `DynamoDB denies access to table ${table} with these credentials: check their policy; the README of @sess/dynamodb lists the least privileges`
  if (/Region is missing/.test(message)) return 'the client has no region: pass region to DynamoDBClient'
  return undefined
}

function reason(name: string, table: string): string {
  if (name === 'AbortError') return `DynamoDB did not answer in time for table ${table}`
  if (name === 'TransactionConflictException')
    return `a transaction of another program held the session in table ${table}`
  if (THROTTLED.test(name)) return `DynamoDB throttled table ${table}: raise its capacity, or make it on-demand`
  if (UNSIGNED.test(name))
    return `DynamoDB refused the signature of a request for table ${table}: check the client's credentials and its clock`
  return `DynamoDB did not serve table ${table}`
}

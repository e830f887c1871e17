import type { ServerResponse } from 'node:http'

/**
 * Does what `writeHead` would with its arguments, apart from sending: a status, perhaps a reason, and header fields as an
 * object, as names and values in turn, or as pairs.
 */
export function applyHead(res: ServerResponse, [status, ...rest]: readonly unknown[]): void {
  res.statusCode = status as number
  for (const value of rest) {
    if (typeof value === 'string') res.statusMessage = value
    else if (Array.isArray(value)) setList(res, value.flat() as string[])
    else if (value) for (const [name, field] of Object.entries(value)) res.setHeader(name, field as string)
  }
}

/** What a list names twice is sent twice. */
function setList(res: ServerResponse, list: readonly string[]): void {
  for (let i = 0; i < list.length; i += 2) if (res.hasHeader(list[i]!)) res.removeHeader(list[i]!)
  for (let i = 0; i < list.length; i += 2) res.appendHeader(list[i]!, list[i + 1]!)
}

/** Header fields that belong to what was to be sent, and not to the error that is sent instead. */
const OF_THE_BODY = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'etag',
  'expires',
  'last-modified',
  'location',
  'refresh',
  'transfer-encoding',
]

/** Makes a response whose head has not left ready for another answer. What middleware set for any answer stays. */
export function withoutBody(res: ServerResponse): void {
  // Node remembers a removal, even of what was not there, and then leaves out its own Transfer-Encoding.
  for (const name of OF_THE_BODY) if (res.hasHeader(name)) res.removeHeader(name)
  res.statusCode = 200
  res.statusMessage = ''
}

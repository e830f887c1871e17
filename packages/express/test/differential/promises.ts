/** What Node promises of a response, as rows: the differential run counts how often each was put to the test. */
export interface Promised {
  /** What a program does, or asks, for the row to count. */
  readonly row: string
  /** What holds with the session as without it. */
  readonly promise: string
}

export const PROMISES = [
  {
    row: 'headersSent',
    promise: 'true from the call that renders the head on: `writeHead`, `flushHeaders`, `write`, `end`',
  },
  { row: 'writableEnded', promise: 'true as soon as `end` was called' },
  { row: 'finished', promise: 'the same, under its old name' },
  { row: 'writableFinished', promise: 'true when `finish` is emitted, once; not before' },
  {
    row: 'fields set',
    promise: '`setHeader`, `appendHeader`, `removeHeader`, `vary`: sent as they were when the head was rendered',
  },
  { row: 'fields after the head', promise: '`setHeader`, `appendHeader`, `removeHeader` throw ERR_HTTP_HEADERS_SENT' },
  { row: 'fields read', promise: '`getHeader` gives what was set, before the head and behind it' },
  { row: 'status after the head', promise: 'setting `statusCode` changes nothing that is sent' },
  { row: 'writeHead', promise: 'renders the head: status, reason, fields as an object, as names and values in turn' },
  { row: 'writeHead twice', promise: 'throws ERR_HTTP_HEADERS_SENT' },
  { row: 'write', promise: 'sends the head before the first bytes; one chunk for each call' },
  { row: 'write calls back', promise: 'once, in order, without an error' },
  { row: 'write of nothing', promise: 'sends no chunk' },
  { row: 'drain', promise: 'comes after a `write` that answered false' },
  { row: 'end', promise: 'sends the rest, and a Content-Length where it is the first bytes' },
  { row: 'end calls back', promise: 'once, after the last bytes' },
  { row: 'write after end', promise: 'sends nothing' },
  { row: 'flushHeaders', promise: 'sends the head by itself' },
  { row: 'cork', promise: 'what is written until `uncork` is one chunk, if the head has been sent' },
  { row: 'strictContentLength', promise: 'a body of another length throws ERR_HTTP_CONTENT_LENGTH_MISMATCH' },
  { row: '1xx', promise: '`writeEarlyHints` and `writeProcessing` send at once, before the head' },
  { row: 'trailers', promise: '`addTrailers` sends them behind a chunked body' },
  { row: 'HEAD', promise: 'the head alone, as for GET' },
  { row: '204 and 304', promise: 'no body, whatever is written' },
  { row: 'HTTP/1.0', promise: 'no chunks; the connection closes' },
  { row: 'pipelined', promise: 'answers leave in the order of their requests' },
  { row: 'pipe', promise: 'a stream that is piped in arrives whole' },
  { row: 'send', promise: "Express's `send`, `json`, `redirect`, `sendFile`: ETag, length, 304 and ranges as without" },
  { row: 'destroy', promise: 'nothing is sent any more, `close` is emitted' },
  { row: 'hook on writeHead', promise: 'whoever wraps it sees each call once, when it is made' },
  { row: 'hook on write', promise: 'the same' },
  { row: 'hook on end', promise: 'the same' },
  { row: 'hook on on', promise: 'the same' },
] as const satisfies readonly Promised[]

export type Row = (typeof PROMISES)[number]['row']

import { once } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Response } from 'express'
import { compresses, FILES } from './stack.ts'
import type { Call, Program } from './programs.ts'
import type { Row } from './promises.ts'

/** What a handler saw, and what it put to the test. */
export interface Seen {
  /** What each call gave, and what the response said after it. */
  readonly calls: string[]
  /** Callbacks, in order. */
  readonly callbacks: string[]
  /** Events of the response, in order. */
  readonly events: string[]
  readonly rows: Set<Row>
}

/** What a program does with its session. */
export interface Touches {
  touch(): void
  change(): void
}

/** Answers as a program says. Ends the response, or destroys it where it cannot be ended. */
export async function answer(res: Response, program: Program, seen: Seen, { touch, change }: Touches): Promise<void> {
  const { calls, touchAt } = program
  const exact = !compresses(program)
  for (const [i, call] of calls.entries()) {
    if (touchAt === i) touch()
    const came = await perform(call, res, seen, change)
    const { headersSent, writableEnded, finished } = res
    if (exact) seen.calls.push(`${call.do}: ${came} | ${headersSent} ${writableEnded} ${finished}`)
    if (headersSent) seen.rows.add('headersSent')
    if (writableEnded) seen.rows.add('writableEnded').add('finished')
  }
  if (typeof touchAt === 'number' && touchAt >= calls.length) touch()
  try {
    if (!res.writableEnded && !res.destroyed) res.end()
  } catch {
    res.destroy()
  }
}

async function perform(call: Call, res: Response, seen: Seen, change: () => void): Promise<string> {
  try {
    return String(await done(call, res, seen, change))
  } catch (error) {
    const { code = (error as Error).name } = error as NodeJS.ErrnoException
    if (code === 'ERR_HTTP_CONTENT_LENGTH_MISMATCH') seen.rows.add('strictContentLength')
    return code
  }
}

async function done(call: Call, res: Response, seen: Seen, change: () => void): Promise<unknown> {
  const { rows, callbacks } = seen
  const { headersSent: late, writableEnded: ended } = res
  const calledBack = (row: Row) => (error?: unknown) => {
    // How a call behind the end is refused is a matter of time: the response may have been closed.
    if (ended) return
    rows.add(row)
    callbacks.push(`${row}${error ? ' with an error' : ''}`)
  }
  const body = (size: number, text: boolean): string | Buffer => {
    const filled = String.fromCharCode(97 + (size % 26)).repeat(size)
    return text ? filled : Buffer.from(filled)
  }
  switch (call.do) {
    case 'status':
      // Seen by who logs the answer when it has left, and when that is is a matter of time.
      if (ended) return ''
      rows.add(late ? 'status after the head' : 'fields set')
      if ((call.status === 204 || call.status === 304) && !late) rows.add('204 and 304')
      return void (res.statusCode = call.status)
    case 'set':
    case 'append':
      rows.add(late ? 'fields after the head' : 'fields set')
      return void (call.do === 'set' ? res.setHeader(call.name, call.value) : res.appendHeader(call.name, call.value))
    case 'remove':
      rows.add(late ? 'fields after the head' : 'fields set')
      return res.removeHeader(call.name)
    case 'read': {
      rows.add('fields read')
      const value = res.getHeader(call.name)
      return isOfTheSession(call.name) ? '' : value
    }
    case 'writeHead': {
      if (ended) return ''
      rows.add(late ? 'writeHead twice' : 'writeHead')
      const fields = { 'X-Head': 'a', Vary: 'X-Head' }
      const list = ['X-Head', 'a', 'X-Head', 'b', 'Cache-Control', 'public']
      if (call.form === 'bare') res.writeHead(call.status)
      else if (call.form === 'object') res.writeHead(call.status, fields)
      else if (call.form === 'list') res.writeHead(call.status, list)
      else res.writeHead(call.status, 'Because', fields)
      return ''
    }
    case 'write': {
      if (res.writableEnded) rows.add('write after end')
      else rows.add(call.size ? 'write' : 'write of nothing')
      if (call.callback) res.write(body(call.size, call.text), calledBack('write calls back'))
      else res.write(body(call.size, call.text))
      return ''
    }
    case 'writeAndWait': {
      if (res.write(body(call.size, false)) || res.writableEnded || res.destroyed) return ''
      rows.add('drain')
      const over = new AbortController()
      const { signal } = over
      await Promise.race(['drain', 'finish', 'close', 'error'].map((event) => once(res, event, { signal }))).catch(
        () => {},
      )
      over.abort()
      return ''
    }
    case 'end':
      rows.add('end')
      if (call.callback) res.end(body(call.size, call.text), calledBack('end calls back'))
      else res.end(body(call.size, call.text))
      return ''
    case 'strict':
      if (late) return ''
      res.setHeader('Content-Length', call.length)
      return void (res.strictContentLength = true)
    case 'send':
      rows.add('send')
      return void res.send(String(body(call.size, true)))
    case 'json':
      rows.add('send')
      return void res.json({ body: body(call.size, true) })
    case 'redirect':
      rows.add('send')
      return res.redirect('/elsewhere')
    case 'sendFile':
      // How it fails behind another answer is a matter of time.
      if (late || res.destroyed) return ''
      rows.add('send')
      res.sendFile(join(FILES, 'file.txt'))
      // What is done before the answer has left is seen by who looks when it has.
      await once(res, 'close')
      return ''
    case 'pipe': {
      if (res.writableEnded || res.destroyed) return ''
      rows.add('pipe')
      const source = Readable.from(call.sizes.filter(Boolean).map((size) => body(size, false)))
      source.pipe(res)
      await once(res, 'close')
      return ''
    }
    case 'corked':
      if (res.writableEnded || res.destroyed) return ''
      rows.add('cork')
      res.cork()
      for (const size of call.sizes) res.write(body(size, false))
      return res.uncork()
    case 'flushHeaders':
      rows.add('flushHeaders')
      return res.flushHeaders()
    case 'flush':
      return (res as { flush?: () => void }).flush?.()
    case 'trailers':
      rows.add('trailers')
      return res.addTrailers({ 'X-Trailer': 'a' })
    case 'earlyHints':
      // Node 22 lets them be sent in the middle of a body.
      if (late) return ''
      rows.add('1xx')
      return res.writeEarlyHints({ link: '</a.css>; rel=preload' })
    case 'processing':
      if (late) return ''
      rows.add('1xx')
      return res.writeProcessing()
    case 'destroy':
      rows.add('destroy')
      return void res.destroy()
    case 'turn':
      return await new Promise<string>((resolve) => setImmediate(resolve, ''))
    case 'change':
      return change()
  }
}

/** Whether a field is one that the session changes. */
function isOfTheSession(name: string): boolean {
  return name === 'Vary' || name === 'Cache-Control'
}

import { join } from 'node:path'
import compression from 'compression'
import express, { type RequestHandler, type Response } from 'express'
import express4 from 'express4'
import helmet from 'helmet'
import { createProxyMiddleware } from 'http-proxy-middleware'
import morgan from 'morgan'
import multer from 'multer'
import onHeaders from 'on-headers'
import responseTime from 'response-time'
import type { Middleware, Program } from './programs.ts'
import type { Row } from './promises.ts'

/** What middleware notes while a program runs. */
export interface Notes {
  readonly hooks: string[]
  readonly morgan: string[]
  readonly rows: Set<Row>
}

/** One for each server behind it: each listens to the end of the server in front. */
const proxies: Record<string, RequestHandler> = {}

export const FILES = join(import.meta.dirname, 'files')

/** One function for each middleware, as an application would use it. */
export function middleware(name: Middleware, program: Program, upstream: string, notes: Notes): RequestHandler {
  switch (name) {
    case 'compression':
      return compression({ threshold: 0 })
    case 'helmet':
      return helmet()
    case 'morgan': {
      const line = ':method :status :res[content-length] :res[x-a] :res[content-type]'
      return morgan(line, { stream: { write: (text) => void notes.morgan.push(text) } })
    }
    case 'on-headers':
      return (_req, res, next) => {
        onHeaders(res, () => {
          res.setHeader('X-On-Headers', String(res.statusCode))
          res.appendHeader('Vary', 'X-On-Headers')
        })
        next()
      }
    case 'response-time':
      return responseTime()
    case 'serve-static':
      return express.static(FILES)
    case 'multer':
      return multer().none() as RequestHandler
    case 'proxy':
      return (proxies[upstream] ??= createProxyMiddleware({
        target: upstream,
        pathFilter: (path) => path.endsWith('/proxied'),
      }) as RequestHandler)
    case 'hooks':
      return (_req, res, next) => {
        hook(res, program, notes)
        next()
      }
  }
}

export const expressOf = (program: Program): typeof express => (program.express === 4 ? express4 : express)

/** Wraps methods as middleware does, and notes each call. */
function hook(res: Response, program: Program, { hooks, rows }: Notes): void {
  // What compresses calls in turns of its own, in pieces of its own.
  const exact = !compresses(program)
  for (const name of ['writeHead', 'write', 'end', 'on'] as const) {
    const wrapped = res[name] as (...values: unknown[]) => unknown
    Reflect.set(res, name, function (this: Response, ...values: unknown[]) {
      rows.add(`hook on ${name}`)
      const note = `${name} ${String(name === 'write' || name === 'end' ? lengthOf(values[0]) : values[0])}`
      // The session listens to `pipe` and `close`.
      if (exact && name !== 'on') hooks.push(`${note} ${this.headersSent} ${this.writableEnded}`)
      return wrapped.apply(this, values)
    })
  }
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || value instanceof Uint8Array ? value.length : 0
}

/** Whether the answer may pass a stream that works in threads of its own: when it does is no promise of Node's. */
export function compresses({ before, after, gzip }: Program): boolean {
  return gzip && [...before, ...after].includes('compression')
}

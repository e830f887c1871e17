/// <reference types="node" preserve="true" />
/**
 * For authors of bindings on Node.js.
 *
 * @module
 */
import type { ServerResponse } from 'node:http'
import type { Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { PresentHeaders, SessionCookie, SessionHeaders } from './session-cookie.ts'

/** What is known of a request beside its response. */
export interface VisitOptions {
  readonly method: string
  /** The host that the browser asked over plain http, with or without a port; undefined: it asked over https, as far as the server knows. */
  readonly plainHost: () => string | undefined
  /** What to do where a Secure cookie is set on a request that looks like plain http. */
  readonly advice: string
  /** Told why a response was cut short, where the framework does not hear of it by itself. */
  readonly cut?: (error: unknown) => void
}

/**
 * For bindings on Node.js that need not hold bytes back: a session during one request. Nothing is asked of the response before
 * somebody asks for the session. Then, whoever writes the response:
 *
 * - the session's fields are added in the moment in which the head is written: whatever set fields before, or took all of them
 *   away to answer an error, has had its turn;
 * - the response does not end before what has changed is committed. A commit that fails there cuts it short;
 * - what changed after that, or when the client has gone, is committed when the response closes.
 *
 * The commit before the head leaves is the binding's own, whose failure has to reach the application's error handlers.
 */
export class Visit<Data extends object> {
  readonly #cookie: SessionCookie<Data>
  readonly #res: ServerResponse
  readonly #options: VisitOptions
  readonly #given: Session<Data> | (() => Session<Data>)
  #taken: Session<Data> | undefined

  /** @param given - The session as it was loaded; or what makes it, from `SessionCookie.beginning`. */
  constructor(
    cookie: SessionCookie<Data>,
    res: ServerResponse,
    given: Session<Data> | (() => Session<Data>),
    options: VisitOptions,
  ) {
    this.#cookie = cookie
    this.#res = res
    this.#options = options
    this.#given = given
  }

  /** The session. */
  get session(): Session<Data> {
    return this.#taken ?? this.#take()
  }

  /** The session, if somebody has asked for it. */
  get taken(): Session<Data> | undefined {
    return this.#taken
  }

  #take(): Session<Data> {
    const given = this.#given
    const session = typeof given === 'function' ? given() : given
    this.#taken = session
    const cookie = this.#cookie
    const res = this.#res
    const { method, plainHost, advice, cut } = this.#options
    if (res.headersSent) cookie.headLeft(session, method, sentFields(res))
    else
      onHead(res, (present) => {
        cookie.headLeft(session, method, present)
        const fields = cookie.headers(session, present)
        const host = fields['set-cookie'] && cookie.attributes.secure ? plainHost() : undefined
        if (host !== undefined) cookie.reportInsecure(host, advice)
        return fields
      })
    const bound = bindingOf(session)
    // What is changed now is for the binding to commit: it hears no `close` any more.
    if (res.destroyed) bound.closeCookie()
    const commit = (): Promise<void> | undefined => {
      const { headersSent, statusCode } = res
      if (!bound.needsCommit || cookie.isGivenUp(session, statusCode)) return undefined
      return headersSent ? cookie.commitAtEnd(session, statusCode) : cookie.commit(session, statusCode)
    }
    beforeEnd(res, commit, cut)
    res.on('close', () => void cookie.commitUnseen(session, res.writableFinished, res.statusCode))
    return session
  }
}

type WriteHead = (this: ServerResponse, status: number, ...rest: readonly unknown[]) => ServerResponse

/** Adds fields in the moment in which the head is written. @param fieldsFor - Gives them, from those that the head has. Called once. */
function onHead(res: ServerResponse, fieldsFor: (present: PresentHeaders) => SessionHeaders): void {
  const writeHead = res.writeHead as WriteHead
  const held: WriteHead = function (status, ...rest) {
    res.writeHead = writeHead
    // As Node has it: a status text may come in front of the fields, which are an object, or names and values in turns.
    const given = rest.find((argument) => typeof argument === 'object' && argument !== null)
    for (const [name, value] of pairsOf(given)) res.setHeader(name, value)
    const { 'set-cookie': setCookies = [], ...fields } = fieldsFor(presentFields(res))
    for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
    // One by one: what is there once stays text.
    for (const field of setCookies) res.appendHeader('set-cookie', field)
    const [text] = rest
    return typeof text === 'string' ? writeHead.call(res, status, text) : writeHead.call(res, status)
  }
  res.writeHead = held
}

type Value = number | string | readonly string[]

function pairsOf(given: unknown): readonly (readonly [name: string, value: Value])[] {
  if (!Array.isArray(given))
    return Object.entries((given ?? {}) as Record<string, Value | undefined>).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
  const flat = given.flat() as string[]
  const all = new Map<string, string[]>()
  for (let i = 0; i < flat.length; i += 2) all.set(flat[i]!, [...(all.get(flat[i]!) ?? []), flat[i + 1]!])
  return [...all].map(([name, values]) => [name, values.length > 1 ? values : values[0]!] as const)
}

/** The fields of a head that has not left. */
function presentFields(res: ServerResponse): PresentHeaders {
  const textOf = (name: string): string | undefined => {
    const value = res.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }
  return { vary: textOf('vary'), 'cache-control': textOf('cache-control') }
}

/**
 * For bindings on Node.js: the fields of a head that has left. Those that were given to `writeHead` stand in Node's text of the
 * head alone.
 */
export function sentFields(res: ServerResponse): PresentHeaders {
  const { _header: head } = res as { readonly _header?: unknown }
  if (typeof head !== 'string') return presentFields(res)
  const textOf = (name: string): string | undefined =>
    [...head.matchAll(new RegExp(`^${name}: *(.*?)\\r$`, 'gim'))].map(([, value]) => value).join(', ') || undefined
  return { vary: textOf('vary'), 'cache-control': textOf('cache-control') }
}

type End = (this: ServerResponse, ...rest: readonly unknown[]) => ServerResponse

/**
 * Lets a response wait before its end, whoever ends it.
 *
 * @param commit - Gives what it has to wait for, if there is anything. Where that rejects, the response is cut short.
 */
function beforeEnd(res: ServerResponse, commit: () => Promise<void> | undefined, cut?: (error: unknown) => void): void {
  const end = res.end as End
  const held: End = function (...rest) {
    const committed = commit()
    if (!committed) return end.call(res, ...rest)
    // A second call finds it ended, as it would have without.
    res.end = () => res
    committed.then(
      () => {
        res.end = end
        end.call(res, ...rest)
      },
      (error: Error) => {
        res.destroy(error)
        cut?.(error)
      },
    )
    return res
  }
  res.end = held
}

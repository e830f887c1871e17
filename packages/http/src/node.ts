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

/** The facts about a request that {@link Visit} cannot read from the response. */
export interface VisitOptions {
  /** The method of the request. */
  readonly method: string
  /**
   * Returns the host that the browser requested over plain http, with or without a port; undefined if, as far as the server knows,
   * the browser used https.
   */
  readonly plainHost: () => string | undefined
  /** The end of the warning about a Secure cookie on a request that looks like plain http: it says how to fix that. */
  readonly advice: string
  /** Called with the error when a response was cut short. Needed if the framework does not learn of it otherwise. */
  readonly cut?: (error: unknown) => void
}

/**
 * The session of one request, for bindings on Node.js that need not hold bytes back. It leaves the response alone until the `session`
 * property is read for the first time. From then on, no matter which code writes the response:
 *
 * - it adds the session's header fields when the head is written. So fields that were set earlier are there already, and an error
 *   handler that removes all fields cannot remove these;
 * - it commits changes before the response ends. If that commit fails, it cuts the response short;
 * - it commits later changes when the response closes, also if the client disconnected.
 *
 * The binding itself commits before the head leaves, because a failure of that commit must reach the application's error handlers.
 */
export class Visit<Data extends object> {
  readonly #cookie: SessionCookie<Data>
  readonly #res: ServerResponse
  readonly #options: VisitOptions
  readonly #given: Session<Data> | (() => Session<Data>)
  #taken: Session<Data> | undefined

  /** @param given - The loaded session, or the function from `SessionCookie.beginning` that makes it. */
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

  /** The session. The first read prepares the response, as above. */
  get session(): Session<Data> {
    return this.#taken ?? this.#take()
  }

  /** The session if `session` has been read, else undefined. */
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
    // The response emits no `close` any more, so the binding has to commit the changes itself.
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

/** Adds fields when the head is written. @param fieldsFor - Called once with the head's present fields; returns the fields to add. */
function onHead(res: ServerResponse, fieldsFor: (present: PresentHeaders) => SessionHeaders): void {
  const writeHead = res.writeHead as WriteHead
  const held: WriteHead = function (status, ...rest) {
    res.writeHead = writeHead
    // As in Node, a status text may precede the fields. The fields are an object, or an array of alternating names and values.
    const given = rest.find((argument) => typeof argument === 'object' && argument !== null)
    for (const [name, value] of pairsOf(given)) res.setHeader(name, value)
    const { 'set-cookie': setCookies = [], ...fields } = fieldsFor(presentFields(res))
    for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
    // Appended one at a time: with a single field, getHeader returns a string and not an array.
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

/** Returns the fields of a head that has not left. */
function presentFields(res: ServerResponse): PresentHeaders {
  const textOf = (name: string): string | undefined => {
    const value = res.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }
  return { vary: textOf('vary'), 'cache-control': textOf('cache-control') }
}

/**
 * For bindings on Node.js: returns the fields of a head that has left. It reads Node's text of the head, because `getHeader` does not
 * return fields that were passed to `writeHead`.
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
 * Makes a response wait for a commit before it ends, no matter which code ends it.
 *
 * @param commit - Called when the response is to end. Returns the promise to wait for, or undefined. If the promise rejects, the
 *   response is cut short.
 * @param cut - Called with the error after the response was cut short.
 */
function beforeEnd(res: ServerResponse, commit: () => Promise<void> | undefined, cut?: (error: unknown) => void): void {
  const end = res.end as End
  const held: End = function (...rest) {
    const committed = commit()
    if (!committed) return end.call(res, ...rest)
    // A second call of end() does nothing, as on a response that has ended.
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

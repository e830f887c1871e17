import type { Session, Sessions } from '@sess/core'

/** What a handler of the table answers, for a harness to send by the means of its framework. */
export interface HttpAnswer {
  /** Default: 200. */
  readonly status?: number
  /** Names and values. A name that comes twice is two header fields. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Pieces of text that are to be sent as they come; or the whole text. Default: no body. */
  readonly body?: string | AsyncIterable<string>
}

/** What a handler of the table is asked. */
export interface HttpAsked {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** What the binding gave this request. Called when the handler wants it, and may be called again. */
  readonly session: () => Session
}

/** The application that a harness serves for one row of the table. */
export interface HttpApp {
  readonly sessions: Sessions
  /** Options of the session cookie, and `private`, for the binding. */
  readonly cookie: {
    readonly secure?: boolean
    readonly path?: string
    readonly name?: string
    readonly formerly?: readonly { readonly name?: string; readonly domain?: string; readonly path?: string }[]
  }
  readonly private: boolean
  /** Whether the framework is to believe X-Forwarded-Proto. */
  readonly trustProxy: boolean
  /** Header fields that middleware in front of the session adds before it hands the request on. */
  readonly before: readonly (readonly [name: string, value: string])[]
  /** Header fields that middleware in front of the session adds as late as the framework has it, when all others are set. */
  readonly after: readonly (readonly [name: string, value: string])[]
  /** Answers, for every method, whatever has a path that begins with `/app`. The rest is the framework's own 404. */
  handle(asked: HttpAsked): Promise<HttpAnswer>
  /** What the application's error handler answers. `session` is as in {@link HttpAsked}. */
  handleError(error: unknown, session: () => Session): Promise<HttpAnswer>
}

/** What a harness serves. */
export interface HttpServed {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string
  close(): Promise<void>
}

/** A binding on trial, on a real server of its framework. */
export interface HttpHarness {
  readonly name: string
  /** Serves an application on a free port of 127.0.0.1, over plain http. */
  serve(app: HttpApp): Promise<HttpServed>
}

/** A row of the table. */
export interface HttpCase {
  readonly id: string
  /** What it demands, as a sentence. */
  readonly text: string
  /**
   * @param patienceMs - A row that has not come to its end after so long fails. Default: 20,000.
   * @throws What the binding did instead.
   */
  run(harness: HttpHarness, patienceMs?: number): Promise<void>
}

import type { Session, Sessions } from '@sess/core'

/** The answer of a handler of the table. The harness sends it by its framework. */
export interface HttpAnswer {
  /** The status code. Default: 200. */
  readonly status?: number
  /** Names and values. If a name comes twice, the harness sends two header fields. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** The whole text, or pieces of text that the harness sends as they come. Default: no body. */
  readonly body?: string | AsyncIterable<string>
}

/** The request of a handler of the table. */
export interface HttpAsked {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Returns the session that the binding gave this request. The handler calls it when it needs the session, and may call it again. */
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
  /** Whether the framework must trust X-Forwarded-Proto. */
  readonly trustProxy: boolean
  /** Header fields that middleware in front of the session adds before it passes the request on. */
  readonly before: readonly (readonly [name: string, value: string])[]
  /** Header fields that middleware in front of the session adds as late as the framework allows, when all other fields are set. */
  readonly after: readonly (readonly [name: string, value: string])[]
  /** Answers requests of every method whose path begins with `/app`. The framework answers all other requests with its own 404. */
  handle(asked: HttpAsked): Promise<HttpAnswer>
  /** The application's error handler. @param session - As in {@link HttpAsked}. */
  handleError(error: unknown, session: () => Session): Promise<HttpAnswer>
}

/** A served application. */
export interface HttpServed {
  /** The URL of the server, such as `http://127.0.0.1:3000`. */
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
  /** The rule, as a sentence. */
  readonly text: string
  /**
   * Tries the rule.
   *
   * @param patienceMs - The timeout of the row, in ms. Default: 20,000.
   * @throws {Error} If the binding breaks the rule, or at the timeout.
   */
  run(harness: HttpHarness, patienceMs?: number): Promise<void>
}

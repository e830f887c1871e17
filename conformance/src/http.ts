/**
 * The table of HTTP behaviour for bindings of any framework: its rows, and the types of a harness.
 *
 * @module
 */
import { cachingCases } from './http/caching.ts'
import { commitCases } from './http/commit.ts'
import type { HttpCase } from './http/contract.ts'
import { cookieCases } from './http/cookies.ts'
import { errorCases } from './http/errors.ts'
import { raceCases } from './http/races.ts'
import { streamCases } from './http/streams.ts'
import { upgradeCases } from './http/upgrades.ts'

export type { HttpAnswer, HttpApp, HttpAsked, HttpCase, HttpHarness, HttpServed } from './http/contract.ts'
export { nodeServer } from './http/node-server.ts'

/** The rows of the table. Run each row with a harness; it rejects if the binding breaks the row. */
export const httpCases: readonly HttpCase[] = [
  ...commitCases,
  ...streamCases,
  ...errorCases,
  ...cookieCases,
  ...cachingCases,
  ...raceCases,
  ...upgradeCases,
]

/**
 * The table of HTTP behaviour that every binding keeps, for bindings of any framework: rows as data, and what a harness is.
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

/** The rows. Run each with a harness; it rejects where the binding falls short. */
export const httpCases: readonly HttpCase[] = [
  ...commitCases,
  ...streamCases,
  ...errorCases,
  ...cookieCases,
  ...cachingCases,
  ...raceCases,
  ...upgradeCases,
]

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SessError, type SessErrorCode, type SessionsEvents } from './index.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The cells of a section's table, row by row. */
function tableOf(section: string): string[][] {
  const [, text = ''] = README.split(`\n## ${section}\n`)
  const rows = text.split('\n## ', 1)[0]!.matchAll(/^\| `(\w+)` *\|(.*)\|$/gm)
  return [...rows].map(([, name, rest]) => [name!, ...rest!.split(' | ').map((cell) => cell.trim())])
}

// The compiler asks for each code and each event.
const CODES: Readonly<Record<SessErrorCode, true>> = {
  invalid_option: true,
  configuration: true,
  store_unavailable: true,
  unknown_outcome: true,
  conflict: true,
  too_large: true,
  unserializable: true,
  invalid_data: true,
  unsupported: true,
  not_fresh: true,
  session_destroyed: true,
  response_started: true,
  store_full: true,
  too_many_sessions: true,
}
const EVENTS: Readonly<Record<keyof SessionsEvents, true>> = {
  created: true,
  rejected: true,
  conflict: true,
  rotated: true,
  login: true,
  logout: true,
  revoked: true,
  error: true,
  duplicate_cookies: true,
  insecure: true,
  uncacheable_late: true,
}

test('the README names every error code, with its HTTP status and what to do', () => {
  const rows = tableOf('Errors')
  const expected = Object.keys(CODES).map((code) => [code, String(new SessError(code as SessErrorCode, '').status)])
  expect(Object.fromEntries(rows.map(([code, status]) => [code, status]))).toEqual(Object.fromEntries(expected))
  expect(rows).toHaveLength(expected.length)
  for (const [code, , cure] of rows) expect(cure, code).toMatch(/\w+ \w+/)
})

test('the README names every event, and when it happens', () => {
  const rows = tableOf('Events')
  expect(new Set(rows.map(([name]) => name))).toEqual(new Set(Object.keys(EVENTS)))
  expect(rows).toHaveLength(Object.keys(EVENTS).length)
  for (const [name, when] of rows) expect(when, name).toMatch(/\w+ \w+/)
})

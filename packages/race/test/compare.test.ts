import { expect, test } from 'vitest'
import { idOf } from '../apps/store-probe.ts'
import { printedBy } from './printed-table.ts'

const TRIALS = 4

const wanted = process.env['SESS_STORES']?.split(',').map((name) => name.trim())
const stores = ['redis', 'sqlite'].filter((store) => wanted?.includes(store) ?? true)

const races = [
  'two requests change different keys: one of the writes is lost',
  'logout during a request: the session works again',
  'sign-in during a request: the cookie from before works again',
  'login while a request is in flight: signed out by its answer',
  'login while a request is in flight: its write lost',
  'an ID known before the login is signed in by it',
  'a made-up ID is adopted',
]

/** What a store can hold that does not set the cookies. */
const heldByStore = [races[0]!, races[1]!, races[2]!, races[5]!, races[6]!]

test.concurrent.for(stores)(
  'two processes on %s: the comparison table shows the faults of others and none of @sess',
  { timeout: 1_200_000 },
  async (store) => {
    const { cells: table, code } = await printedBy('compare.ts', ['--trials', String(TRIALS), '--store', store])
    const on = store === 'redis' ? 'Redis' : 'SQLite'
    const ours = `@sess/express on ${on}`
    const rescued = [`express-session + SessStore on ${on}`, `@fastify/session + SessStore on ${on}`]
    expect(code).toBe(0)
    expect([...table.keys()].slice(0, races.length)).toEqual(races)
    expect(races.map((race) => table.get(race)![ours])).toEqual(races.map(() => `0 of ${TRIALS}`))
    for (const app of rescued)
      expect(heldByStore.map((race) => table.get(race)![app])).toEqual(heldByStore.map(() => `0 of ${TRIALS}`))
    const readable = table.get('the whole session ID of a cookie can be read in the store')!
    const trips = table.get('round trips to the store, read-only request / write')!
    const clean = [...rescued, ours]
    expect(clean.map((app) => readable[app])).toEqual(clean.map(() => 'no'))
    expect(clean.map((app) => trips[app])).toEqual(clean.map(() => (store === 'redis' ? '1 / 2' : 'in process')))
    if (store === 'sqlite') return
    const usual = Object.keys(readable).filter((app) => !clean.includes(app))
    expect(usual.map((app) => [readable[app], trips[app]])).toEqual(usual.map(() => ['yes, in its keys', '2 / 2']))
    expect(usual).toHaveLength(2)
  },
)

test('an ID is the cookie without its signature', () => {
  expect(idOf('connect.sid=s%3Aab-c_D.s%2Big%3D')).toBe('ab-c_D')
  expect(idOf('sessionId=ab-c_D.sig')).toBe('ab-c_D')
  expect(idOf('__Host-sid=ab-c_D')).toBe('ab-c_D')
})

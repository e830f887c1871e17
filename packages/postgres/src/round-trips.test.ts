import { createSessions } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import { tap, type Tap } from '@sess/test-servers'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newSchema, server } from '../test/harness.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { postgresStore } from './index.ts'

let admin: Pool
let schema: string
let way: Tap
let pool: Pool
beforeAll(async () => {
  ;({ schema, admin } = await newSchema())
  way = await tap((await server()).port)
  pool = poolOf({ port: way.port, max: 1 })
  await pool.query('SELECT 1') // the pool's connection is open now
})
afterAll(async () => {
  await pool.end()
  await way.stop()
  await admin.end()
})

async function turns(act: () => Promise<unknown>): Promise<number> {
  way.turns = 0
  await act()
  return way.turns
}

test('a reading request takes one round trip, a writing request two, a sign-in from an anonymous session three', async () => {
  const sessions = createSessions<{ n: number }>({ store: postgresStore(pool, { schema }), sweepEvery: false })
  const anonymous = await sessions.load(undefined)
  anonymous.data.n = 1
  const cookie = (await anonymous.commit()).cookieValue
  expect(await turns(async () => (await sessions.load(undefined)).commit())).toBe(0)
  expect(await turns(async () => (await sessions.load(cookie)).commit())).toBe(1)
  expect(await turns(async () => (await sessions.load(cookie)).update((data) => void data.n!++))).toBe(2)
  expect(await turns(async () => (await sessions.load(cookie)).login('ann'))).toBe(3)
  await sessions.close()
})

test('each call takes one statement, and one more statement if it lost a race', async () => {
  const store = postgresStore(pool, { schema })
  const key = keyOf()
  const next = { ...record, revision: 2 }
  expect(await turns(() => store.create(key, record, now))).toBe(1)
  expect(await turns(() => store.read(key, now))).toBe(1)
  expect(await turns(() => store.touch(key, asExpected(record), now + 70_000, now))).toBe(1)
  expect(await turns(() => store.replace(key, asExpected(record), next, now))).toBe(1)
  expect(await turns(() => store.replace(key, asExpected(record), next, now))).toBe(2)
  // The second statement finds no row, which ends the pages.
  expect(await turns(() => sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now)))).toBe(2)
  expect(await turns(() => store.delete(key, now))).toBe(1)
})

import { closeSync, fchownSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, isSessError, type Sessions } from '@sess/core'
import { startPostgres, type TestServer } from '@sess/test-servers'
import type { Pool } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { crash } from '../test/crash.ts'
import { poolOf } from '../test/pool.ts'
import { keyOf, now, record } from '../test/record.ts'
import { migrate, postgresStore } from './index.ts'

interface Data {
  n: number
}

let server: TestServer
let pool: Pool
beforeEach(async () => {
  server = await startPostgres()
  pool = poolOf({ port: server.port, connectionTimeoutMillis: 2000 })
})
afterEach(async () => {
  await pool.end()
  await server.stop()
})

/** Browsers under load. They record the acknowledged writes and logouts, and the codes of errors. */
class Browsers {
  /** How often each code of an error came. */
  readonly codes = new Map<string, number>()
  /** Cookies of sessions whose logout was requested. */
  readonly leaving = new Set<string>()
  /** Cookies of sessions whose logout was acknowledged. */
  readonly signedOut: string[] = []
  /** By cookie, the last number that was written and acknowledged. */
  readonly written = new Map<string, number>()
  acknowledged = 0
  #stopped = false
  readonly #sessions: Sessions<Partial<Data>>

  constructor(sessions: Sessions<Partial<Data>>) {
    this.#sessions = sessions
  }

  /** Signs in, writes three times, and signs out every other time, until it is stopped. */
  async run(): Promise<void> {
    for (let round = 0; !this.#stopped; round++) {
      const cookie = await this.#try(
        async () => (await (await this.#sessions.load(undefined)).login('ann')).cookieValue,
      )
      if (cookie === undefined) continue
      for (let n = 1; n <= 3; n++)
        await this.#try(async () => {
          await (await this.#sessions.load(cookie)).update((data) => void (data.n = n))
          this.written.set(cookie, n)
        })
      if (round % 2 === 1) continue
      this.leaving.add(cookie)
      await this.#try(async () => {
        await (await this.#sessions.load(cookie)).logout()
        this.signedOut.push(cookie)
      })
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async #try<T>(what: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await what()
      this.acknowledged++
      return result
    } catch (error) {
      const code = isSessError(error) ? error.code : String(error)
      this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
      await delay(5)
      return undefined
    }
  }

  /** Waits until this many more calls were acknowledged. */
  async more(count: number): Promise<void> {
    const until = this.acknowledged + count
    while (this.acknowledged < until) await delay(5)
  }
}

test('PostgreSQL is killed under load three times: only typed errors, no acknowledged write is undone, and the store recovers by itself', async () => {
  await migrate(pool)
  const sessions = createSessions<Partial<Data>>({ store: postgresStore(pool), sweepEvery: false, log: false })
  const browsers = new Browsers(sessions)
  const running = Array.from({ length: 12 }, () => browsers.run())
  for (let turn = 0; turn < 3; turn++) {
    await browsers.more(150)
    await crash(server)
  }
  await browsers.more(150)
  browsers.stop()
  await Promise.all(running)

  expect([...browsers.codes.keys()].filter((code) => !['store_unavailable', 'unknown_outcome'].includes(code))).toEqual(
    [],
  )
  expect(browsers.codes.size).toBeGreaterThan(0)
  expect(browsers.signedOut.length).toBeGreaterThan(20)
  for (const cookie of browsers.signedOut) expect((await sessions.load(cookie)).status).toBe('new')
  const staying = [...browsers.written].filter(([cookie]) => !browsers.leaving.has(cookie))
  expect(staying.length).toBeGreaterThan(20)
  for (const [cookie, n] of staying) {
    const { subject, data } = await sessions.load(cookie)
    expect(subject).toBe('ann')
    expect(data.n).toBeGreaterThanOrEqual(n)
  }
  await sessions.close()
})

test('an UNLOGGED table is emptied by a crash: everybody is signed out, and the application goes on', async () => {
  await migrate(pool, { unlogged: true })
  const sessions = createSessions<Partial<Data>>({ store: postgresStore(pool), sweepEvery: false, log: false })
  const { cookieValue } = await (await sessions.load(undefined)).login('ann')
  expect((await sessions.load(cookieValue)).subject).toBe('ann')
  await crash(server)
  expect((await sessions.load(cookieValue)).status).toBe('new')
  const again = await (await sessions.load(undefined)).login('ann')
  expect((await sessions.load(again.cookieValue)).subject).toBe('ann')
  await sessions.close()
})

test('a standby gives no answer, whether the session exists or not', async () => {
  await migrate(pool)
  const store = postgresStore(pool)
  const key = keyOf()
  await store.create(key, record, now)
  const signal = join(server.folder, 'data', 'standby.signal')
  const { uid, gid } = statSync(join(server.folder, 'data'))
  await server.kill()
  const file = openSync(signal, 'w')
  fchownSync(file, uid, gid)
  closeSync(file)
  await server.restart()
  const standby = { code: 'store_unavailable', message: expect.stringContaining('standby') as unknown }
  await expect(store.read(key, now)).rejects.toMatchObject(standby)
  await expect(store.read(keyOf(), now)).rejects.toMatchObject(standby)
  const together = await Promise.allSettled([store.read(key, now), store.read(keyOf(), now)])
  expect(together).toMatchObject([{ reason: standby }, { reason: standby }])
  for (const pages of [store.list!({ id: 'ann', tag: key.tag }, now), store.all!(now), store.count!(now)])
    await expect(pages[Symbol.asyncIterator]().next()).rejects.toMatchObject(standby)
  await expect(store.delete(key, now)).rejects.toMatchObject({ ...standby, cause: { code: '25006' } })
  expect(pool.totalCount).toBe(0) // the next connection may reach the new primary
  await server.kill()
  rmSync(signal)
  await server.restart()
  expect(await store.delete(key, now)).toBe(true)
})

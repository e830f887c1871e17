import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { INestApplication } from '@nestjs/common'
import { createSessions, memoryStore, type SessionStore } from '@sess/core'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type * as App from './app.ts'
import type { AppSessions, Data } from './session.ts'

const HERE = import.meta.dirname
const DIST = join(HERE, 'dist')

let example: typeof App

beforeAll(async () => {
  const compiler = spawn(join(HERE, 'node_modules/.bin/tsc'), ['-b', HERE], { stdio: 'inherit' })
  expect(await once(compiler, 'close')).toEqual([0, null])
  example = (await import(join(DIST, 'app.js'))) as typeof App
}, 600_000)

type Ask = (path: string, form?: object) => Promise<{ status: number; text: string; headers: Headers }>

interface Started {
  readonly app: INestApplication
  readonly sessions: AppSessions
  readonly store: SessionStore
  readonly later: (ms: number) => void
  /** Browsers, each with the one cookie. */
  readonly open: () => Ask
}

function browserOf(url: string): () => Ask {
  return () => {
    let cookie = ''
    return async (path, form) => {
      const headers = { ...(cookie && { cookie }), 'content-type': 'application/json' }
      const response = await fetch(url + path, { headers, ...(form && { method: 'POST', body: JSON.stringify(form) }) })
      for (const set of response.headers.getSetCookie()) cookie = set.split(';')[0]!
      return { status: response.status, text: await response.text(), headers: response.headers }
    }
  }
}

describe.each(['onExpress', 'onFastify'] as const)('Nest %s', (adapter) => {
  async function start(before: (app: INestApplication) => void = () => {}): Promise<Started> {
    const store = memoryStore()
    let now = Date.now()
    const sessions = createSessions<Data>({ store, log: false, clock: () => now })
    const app = await example[adapter](sessions, { secure: false })
    onTestFinished(() => app.close())
    app.useLogger(false)
    before(app)
    await app.listen(0, '127.0.0.1')
    return { app, sessions, store, later: (ms) => void (now += ms), open: browserOf(await app.getUrl()) }
  }

  test('a visitor has a cart, signs in with it, and signs out with a goodbye', async () => {
    const { open } = await start()
    const ask = open()
    expect((await ask('/cart', { item: 'book' })).status).toBe(201)
    expect((await ask('/login', { name: 'ann' })).status).toBe(200)
    expect((await ask('/')).text).toBe('{"user":"ann","cart":["book"]}')
    expect((await ask('/logout', {})).text).toBe('{"user":null}')
    expect((await ask('/')).text).toBe('{"user":null,"cart":[],"notice":"Signed out"}')
  })

  test('a guard admits only signed-in users, who see and end their other sessions', async () => {
    const { open } = await start()
    const [ask, other] = [open(), open()]
    expect((await ask('/account/devices')).status).toBe(401)
    await ask('/login', { name: 'ann' })
    await other('/login', { name: 'ann' })
    expect(JSON.parse((await ask('/account/devices')).text)).toHaveLength(2)
    expect((await ask('/account/sign-out-elsewhere', {})).text).toBe('{"ended":1}')
    expect((await other('/account/devices')).status).toBe(401)
  })

  test('a guard with requireFresh answers 401 by Nest’s own filter once the sign-in is too long ago', async () => {
    const { open, later } = await start()
    const ask = open()
    await ask('/login', { name: 'ann' })
    later(5 * 60_000 + 1)
    expect((await ask('/account/devices')).status).toBe(200)
    const { status, text, headers } = await ask('/account/sign-out-elsewhere', {})
    expect([status, headers.get('cache-control')]).toEqual([401, 'private'])
    expect(JSON.parse(text)).toEqual({ statusCode: 401, message: 'Unauthorized' })
  })

  test('Nest’s own filter answers an outage at load or commit with 503 and no word of the driver', async () => {
    const { open, store } = await start()
    const ask = open()
    await ask('/login', { name: 'ann' })
    for (const operation of ['read', 'replace'] as const) {
      const away = vi.spyOn(store, operation).mockRejectedValue(new Error('connect ECONNREFUSED 10.0.0.7:6379'))
      const { status, text } = await ask('/cart', { item: 'book' })
      away.mockRestore()
      expect([operation, status]).toEqual([operation, 503])
      expect(text).not.toContain('ECONNREFUSED')
    }
    expect((await ask('/')).text).toBe('{"user":"ann","cart":[]}')
  })

  test('a page that does not use its session stays cacheable', async () => {
    const { open } = await start()
    const { status, headers } = await open()('/nowhere')
    expect([status, headers.get('vary'), headers.get('set-cookie')]).toEqual([404, null, null])
  })

  test(`Nest’s middleware sees ${adapter === 'onFastify' ? 'no session' : 'the session'}`, async () => {
    const seen: boolean[] = []
    const { open } = await start((app) => {
      app.use((req: object, _res: unknown, next: () => void) => {
        seen.push('session' in req)
        next()
      })
    })
    await open()('/')
    expect(seen).toEqual([adapter === 'onExpress'])
  })
})

test.each(['express', 'fastify'])('the program runs on %s, on a database in a file', async (adapter) => {
  const folder = mkdtempSync(join(tmpdir(), 'sess-nest-'))
  const program = spawn(process.execPath, [join(DIST, 'main.js'), adapter], {
    cwd: folder,
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(program, 'close')
  onTestFinished(async () => {
    program.kill()
    await closed
    rmSync(folder, { recursive: true })
  })
  const [line] = (await once(program.stdout.setEncoding('utf8'), 'data')) as [string]
  const ask = browserOf(line.trim())()
  await ask('/cart', { item: 'book' })
  expect((await ask('/')).text).toBe('{"user":null,"cart":["book"]}')
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { createSessions } from '@sess/core'
import { sqliteStore } from '@sess/sqlite'
import { launchChromium } from '@sess/test-servers/chromium'
import { io } from 'socket.io-client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createApp } from './app.ts'

/** Serves the app on a free port, as one process of several that share a file. */
async function serve(file: string, recheckEvery: '1h' | '200ms' = '1h'): Promise<string> {
  const database = new DatabaseSync(file)
  const sessions = createSessions<{ visits: number }>({ store: sqliteStore(database), log: false })
  const server = createApp(sessions, { recheckEvery })
  // Node's own `closeAllConnections` leaves those that were upgraded.
  const connections = new Set<Socket>()
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of connections) socket.destroy()
    await closed
    await sessions.close()
    database.close()
  })
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sess-sockets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'sessions.db')
}

async function post(url: string, cookie = ''): Promise<string> {
  const body = new URLSearchParams({ user: 'ann' })
  const response = await fetch(url, { method: 'POST', redirect: 'manual', headers: { cookie }, body })
  expect(response.status).toBe(303)
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
}

/** An open socket: who it greeted, and why it ends. */
interface Opened {
  readonly hello: string
  readonly ended: Promise<string>
}

const KINDS: Readonly<Record<string, (base: string, cookie: string) => Promise<Opened>>> = {
  async 'server-sent events'(base, cookie) {
    const response = await fetch(`${base}/events`, { headers: { cookie } })
    if (response.status !== 200) throw new Error(`refused: ${response.status}`)
    const events = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const next = async (name: string): Promise<string> =>
      new RegExp(`^event: ${name}\ndata: (.*)\n\n$`).exec((await events.read()).value ?? 'the end')![1]!
    return {
      hello: await next('hello'),
      ended: next('ended').then(async (reason) => {
        expect((await events.read()).done).toBe(true)
        return reason
      }),
    }
  },
  async ws(base, cookie) {
    const socket = new WebSocket(`${base.replace('http', 'ws')}/ws`, { headers: { cookie } })
    const ended = once(socket, 'close').then(([code, reason]) => {
      expect(code).toBe(4401)
      return String(reason)
    })
    ended.catch(() => {})
    const [message] = (await once(socket, 'message').catch((error: Error) => {
      throw new Error(error.message.replace('Unexpected server response', 'refused'))
    })) as [Buffer]
    return { hello: message.toString(), ended }
  },
  'Socket.IO over a WebSocket': (base, cookie) => socketIo(base, cookie, 'websocket'),
  'Socket.IO over requests': (base, cookie) => socketIo(base, cookie, 'polling'),
}

async function socketIo(base: string, cookie: string, transport: string): Promise<Opened> {
  const socket = io(base, { transports: [transport], extraHeaders: { cookie }, forceNew: true })
  onTestFinished(() => void socket.close())
  const told = new Promise<string>((resolve) => socket.on('ended', resolve))
  const disconnected = new Promise<string>((resolve) => socket.on('disconnect', resolve))
  const hello = await new Promise<string>((resolve, reject) => {
    socket.on('hello', resolve)
    socket.on('connect_error', ({ message }) => reject(new Error(`refused: ${message}`)))
  })
  const ended = Promise.all([told, disconnected]).then(([reason, how]) => {
    expect(['io server disconnect', 'transport close', 'transport error']).toContain(how)
    return reason
  })
  return { hello, ended }
}

describe.each(Object.entries(KINDS))('%s', (_kind, open) => {
  test('"sign out everywhere" in one browser closes the socket of the other; a sign-out closes the sockets of its own tabs', async () => {
    const base = await serve(newFile())
    const [here, there, third] = await Promise.all(['', '', ''].map((cookie) => post(`${base}/login`, cookie)))
    const mine = await open(base, here!)
    const theirs = await open(base, there!)
    expect([mine.hello, theirs.hello]).toEqual(['ann', 'ann'])
    const other = await open(base, third!)

    await post(`${base}/logout`, here)
    expect(await mine.ended).toBe('ended')
    await post(`${base}/logout-everywhere`, there)
    expect(await theirs.ended).toBe('revoked')
    expect(await other.ended).toBe('revoked')
    await expect(open(base, here!)).rejects.toThrow(/refused/)
  })

  test('a sign-out at another process closes the sockets too', async () => {
    const file = newFile()
    const [base, elsewhere] = [await serve(file, '200ms'), await serve(file)]
    const cookie = await post(`${base}/login`)
    const { ended } = await open(base, cookie)
    await post(`${elsewhere}/logout`, cookie)
    expect(await ended).toBe('revoked')
  })

  test('a visitor who is not signed in opens no socket', async () => {
    await expect(open(await serve(newFile()), '')).rejects.toThrow(/refused: (?:401|nobody is signed in)/)
  })
})

test('a page of another origin opens no WebSocket', async () => {
  const base = await serve(newFile())
  const cookie = await post(`${base}/login`)
  const from = (origin: string, path: string) =>
    once(new WebSocket(base.replace('http', 'ws') + path, { headers: { cookie, origin } }), 'open')
  for (const path of ['/ws', '/socket.io/?EIO=4&transport=websocket'])
    await expect(from('https://evil.example', path)).rejects.toThrow(/Unexpected server response: 40[03]/)
  await from(base, '/ws')
})

test('in browsers: a sign-out in one browser closes the sockets of the other', { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sess-sockets-'))
  const program = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
    env: { ...process.env, PORT: '0', SESS_DB: join(folder, 'sessions.db') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(program, 'exit')
  const chromium = await launchChromium()
  onTestFinished(async () => {
    await chromium.close()
    program.kill()
    await exited
    rmSync(folder, { recursive: true })
  })
  const [base] = (await once(createInterface(program.stdout), 'line')) as [string]

  const [here, there] = await Promise.all(
    ['here', 'there'].map(async () => {
      const page = await (await chromium.newContext()).newPage()
      await page.goto(base)
      await page.getByRole('button', { name: 'Sign in' }).click()
      for (const id of ['events', 'ws', 'socket-io'])
        await page.locator(`#${id}`).getByText('open', { exact: true }).waitFor()
      return page
    }),
  )
  await here!.getByRole('button', { name: 'Sign out everywhere' }).click()
  for (const id of ['events', 'ws', 'socket-io'])
    await there!.locator(`#${id}`).getByText('ended: revoked', { exact: true }).waitFor()
  await there!.reload()
  await there!.locator('#user').getByText('nobody', { exact: true }).waitFor()
})

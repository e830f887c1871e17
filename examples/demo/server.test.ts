import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { folder } from './test/folder.ts'
import { address, type Run, start } from './test/process.ts'
import { Visitor } from './test/visitor.ts'

vi.setConfig({ testTimeout: 60_000 })

function run(env: Record<string, string>): Run {
  const server = start(env)
  onTestFinished(() => server.kill())
  return server
}

test('the server reports a port in use and exits', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const { ended, printed } = run({ PORT: String(port), SESS_DB: join(folder(), 'a.db') })
  expect(await ended).toBe(1)
  expect(printed.err).toBe(
    `Port ${port} is taken by another program. Stop that, or choose another port: PORT=${port + 1} npm start\n`,
  )
})

test.each(['abc', '70000', '-1', '3000.5'])('PORT=%s is refused', async (port) => {
  const { ended, printed } = run({ PORT: port, SESS_DB: join(folder(), 'a.db') })
  expect(await ended).toBe(1)
  expect(printed.err).toBe(`PORT must be a whole number from 0 to 65535, and is "${port}".\n`)
})

test('the server reports a file that it cannot open and exits', async () => {
  const { ended, printed } = run({ PORT: '0', SESS_DB: folder() })
  expect(await ended).toBe(1)
  expect(printed.err).toMatch(/^The session file .* cannot be opened \(.*\)\. Choose another: SESS_DB=.*\n$/)
})

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s ends it, with a browser still connected, and frees the port',
  async (signal) => {
    const server = run({ PORT: '0', SESS_DB: join(folder(), 'a.db') })
    const url = await address(server)
    expect((await fetch(url, { headers: { connection: 'keep-alive' } })).status).toBe(200)
    server.child.kill(signal)
    expect(await server.ended).toBe(0)
    expect(server.printed.err).toBe('')
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  },
)

test('two processes on one file share all sessions, and a restart signs nobody out', async () => {
  const env = { PORT: '0', SESS_DB: join(folder(), 'a.db') }
  const first = run(env)
  const visitor = new Visitor(await address(first))
  await visitor.signIn('ada')
  const second = await address(run(env))
  expect((await new Visitor(second, visitor.cookies).me()).subject).toBe('ada')
  first.child.kill('SIGKILL')
  await first.ended
  expect((await new Visitor(await address(run(env)), visitor.cookies).me()).subject).toBe('ada')
})

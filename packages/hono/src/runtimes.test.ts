import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'

const BIN = join(import.meta.dirname, '../node_modules/.bin')
const APP = join(import.meta.dirname, '../test/serve.ts')

test.each([
  ['bun', ['run', APP]],
  ['deno', ['run', '--no-check', '--allow-all', APP]],
])('the middleware works on %s', async (runtime, args) => {
  // A group of its own: what is installed as `deno` is a program that starts another.
  const server = spawn(join(BIN, runtime), args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const closed = once(server, 'close')
  onTestFinished(async () => {
    if (server.exitCode === null) process.kill(-server.pid!, 'SIGKILL')
    await closed
  })
  const [url] = (await Promise.race([once(createInterface(server.stdout), 'line'), closed])) as [string]
  let cookie = ''
  const get = async (path: string): Promise<string> => {
    const response = await fetch(new URL(path, url), { headers: cookie ? { cookie } : {} })
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) cookie = set.split(';')[0]!
    return response.text()
  }
  const seen: string[] = []
  for (const path of ['/', '/visit', '/visit', '/login', '/stream', '/', '/logout', '/', '/fail', '/'])
    seen.push(await get(path))
  const page = (user: string | null, visits: number): string => JSON.stringify({ user, visits })
  expect(seen).toEqual([
    page(null, 0),
    page(null, 1),
    page(null, 2),
    page('ann', 2),
    'streamed',
    page('ann', 100),
    page(null, 0),
    page(null, 0),
    'mine',
    page('bob', 0),
  ])
})

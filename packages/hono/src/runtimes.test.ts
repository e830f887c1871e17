import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
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
  await works((path, headers) => fetch(new URL(path, url), { headers }))
})

test('the middleware works on workerd, with nodejs_compat', async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, '../test/app.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
  })
  const workerd = new Miniflare({
    modules: true,
    script: outputFiles[0]!.text,
    compatibilityDate: '2026-07-01',
    compatibilityFlags: ['nodejs_compat'],
  })
  onTestFinished(() => workerd.dispose())
  await works((path, headers) => workerd.dispatchFetch(new URL(path, 'http://localhost'), { headers }))
})

/** Visits the app as a browser does. */
async function works(
  ask: (
    path: string,
    headers: Record<string, string>,
  ) => Promise<{ headers: { getSetCookie(): string[] }; text(): Promise<string> }>,
): Promise<void> {
  let cookie = ''
  const get = async (path: string): Promise<string> => {
    const response = await ask(path, cookie ? { cookie } : {})
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
}

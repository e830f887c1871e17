import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'

const HERE = import.meta.dirname

/** A browser's part: follows redirects, and keeps the one cookie. */
function visitor(base: string): (path: string, form?: Record<string, string>) => Promise<string> {
  let cookie = ''
  return async function go(path: string, form?: Record<string, string>): Promise<string> {
    const response = await fetch(base + path, {
      redirect: 'manual',
      headers: cookie ? { cookie } : {},
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const set of response.headers.getSetCookie()) cookie = set.split(';')[0]!
    const to = response.headers.get('location')
    return to === null ? response.text() : go(to, undefined)
  }
}

/** Starts a program in an empty folder that has this example's packages, on a free port. */
async function start(file: string, env: Record<string, string> = {}): Promise<string> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'sess-example-'))
  symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'app.ts'), file.replaceAll('3000', String(port)))
  const program = spawn(process.execPath, ['app.ts'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const closed = once(program, 'close')
  onTestFinished(async () => {
    program.kill()
    await closed
    rmSync(folder, { recursive: true })
  })
  const base = `http://localhost:${port}`
  await vi.waitFor(() => fetch(base), { timeout: 60_000, interval: 50 })
  return base
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

test("the README's first program runs as it stands", async () => {
  const readme = readFileSync(join(HERE, '../../README.md'), 'utf8')
  const go = visitor(await start(/```ts\n([^]*?)```/.exec(readme)![1]!))
  expect(await go('/')).toMatch(/Hello nobody, this is visit 1\..*<form method="post">.*Sign in/)
  expect(await go('/')).toMatch(/Hello nobody, this is visit 2\./)
  expect(await go('/', { user: 'ann' })).toMatch(/Hello ann, this is visit 3\..*Sign out/)
  expect(await go('/logout', {})).toMatch(/Hello nobody, this is visit 1\./)
})

test('the whole app: cart, sign-in, devices, sign-out everywhere else, sign-out', async () => {
  const base = await start(readFileSync(join(HERE, 'app.ts'), 'utf8'), { SESS_DB: ':memory:' })
  const here = visitor(base)
  const elsewhere = visitor(base)
  const page = async (go: typeof here): Promise<unknown> => JSON.parse(await go('/'))
  const ann = { name: 'ann', password: 'secret' }

  await here('/cart', { item: 'book' })
  expect(await here('/login', { name: 'ann', password: 'wrong' })).toBe('Wrong name or password')
  await here('/login', ann)
  expect(await page(here)).toEqual({ user: 'user-1', cart: ['book'] })
  await elsewhere('/login', ann)
  expect(await page(elsewhere)).toEqual({ user: 'user-1', cart: [] })
  expect(JSON.parse(await here('/devices'))).toHaveLength(2)
  expect(JSON.parse(await here('/logout-everywhere-else', {}))).toHaveLength(1)
  expect(await page(elsewhere)).toEqual({ cart: [] })

  await elsewhere('/login', ann)
  const devices = JSON.parse(await elsewhere('/devices')) as { handle: string; createdAt: number }[]
  const [first] = devices.toSorted((a, b) => a.createdAt - b.createdAt)
  await elsewhere(`/devices/${first!.handle}/sign-out`, {})
  expect(await page(here)).toEqual({ cart: [] })

  expect(JSON.parse(await elsewhere('/logout', {}))).toEqual({ cart: [], notice: 'Signed out' })
  expect(await page(elsewhere)).toEqual({ cart: [] })
})

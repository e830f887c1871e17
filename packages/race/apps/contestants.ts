import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CheckName } from '../src/index.ts'

/** An app on trial. */
export interface Contestant {
  /** The table's heading. */
  readonly title: string
  /** In this folder. */
  readonly file: string
  readonly env?: Readonly<Record<string, string>>
  readonly store: 'redis' | 'sqlite'
  /** What it is held to: of these checks none may find anything, and no ID may be readable in the store. */
  readonly holds: readonly CheckName[]
}

/** `express-session 1.19`, with the version that is installed. */
export function named(name: string, parts = 2): string {
  const file = join(import.meta.dirname, '../node_modules', name, 'package.json')
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
  return `${name} ${version.split('.').slice(0, parts).join('.')}`
}

/** With connect-redis. */
const host = (name: string, file: string): Pick<Contestant, 'title' | 'file'> => ({
  title: `${named(name, name.startsWith('@') ? 1 : 2)} + ${named('connect-redis', 1)}`,
  file,
})

/** What a store can hold that does not set the cookies: the browser may be signed out by its own login all the same. */
const STORE_HOLDS: readonly CheckName[] = [
  'write-lost',
  'alive-after-logout',
  'alive-after-login',
  'fixated',
  'made-up-adopted',
  'ended-adopted',
]
const ALL: readonly CheckName[] = [...STORE_HOLDS, 'sign-in-lost', 'lost-over-login']

const rescued = { HOST_STORE: 'SessStore' }

/** In the order of the table's columns. */
export const contestants: readonly Contestant[] = [
  { ...host('express-session', 'express-session.ts'), store: 'redis', holds: [] },
  { ...host('@fastify/session', 'fastify-session.ts'), store: 'redis', holds: [] },
  {
    title: 'express-session + SessStore on Redis',
    file: 'express-session.ts',
    env: rescued,
    store: 'redis',
    holds: STORE_HOLDS,
  },
  {
    title: 'express-session + SessStore on SQLite',
    file: 'express-session.ts',
    env: rescued,
    store: 'sqlite',
    holds: STORE_HOLDS,
  },
  {
    title: '@fastify/session + SessStore on Redis',
    file: 'fastify-session.ts',
    env: rescued,
    store: 'redis',
    holds: STORE_HOLDS,
  },
  {
    title: '@fastify/session + SessStore on SQLite',
    file: 'fastify-session.ts',
    env: rescued,
    store: 'sqlite',
    holds: STORE_HOLDS,
  },
  { title: '@sess/express on Redis', file: 'sess-express.ts', store: 'redis', holds: ALL },
  { title: '@sess/express on SQLite', file: 'sess-express.ts', store: 'sqlite', holds: ALL },
]

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill()
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Starts a process that ends with this one, waits for the line that says that it is ready, and returns that line. */
async function start(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<{ line: string; stop(): Promise<void> }> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${command} ${args.join(' ')} ended with exit code ${String(code)} before it was ready`)
  })
  const seen = (async (): Promise<string> => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!ready.test(line)) continue
      child.stdout.resume()
      return line
    }
    return failed
  })()
  failed.catch(() => {})
  return { line: await Promise.race([seen, failed]), stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
  running.delete(child)
}

/** Starts so many processes of an app. */
export async function startApps(
  { file, env: own }: Pick<Contestant, 'file' | 'env'>,
  env: Record<string, string>,
  count: number,
): Promise<{ urls: string[]; stop(): Promise<void> }> {
  const path = join(import.meta.dirname, file)
  const apps = await Promise.all(
    Array.from({ length: count }, () => start(process.execPath, [path], { ...env, ...own }, /^\{/)),
  )
  return {
    urls: apps.map(({ line }) => (JSON.parse(line) as { url: string }).url),
    stop: async () => void (await Promise.all(apps.map((app) => app.stop()))),
  }
}

// Races one app per binding, all on one store. Ends with 0 only if all was judged and nothing found.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startRedis } from '@sess/test-servers'
import { named } from './contestants.ts'
import { printAndExit, type Raced } from './nothing-found.ts'
import { raced } from './raced.ts'

/** The app of each binding, in this folder, and what it stands on. */
const BINDINGS: Readonly<Record<string, readonly [file: string, framework: string]>> = {
  '@sess/express': ['sess-express.ts', 'express'],
  '@sess/fastify': ['sess-fastify.ts', 'fastify'],
  '@sess/hono': ['sess-hono.ts', 'hono'],
  '@sess/koa': ['sess-koa.ts', 'koa'],
  withSession: ['sess-with-session.ts', '@hono/node-server'],
}

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    store: { type: 'string', default: 'redis' },
    binding: { type: 'string', multiple: true, default: Object.keys(BINDINGS) },
  },
})
const trials = Number(values.trials)

/** Where the processes of an app meet: a Redis, or a file. */
async function place(): Promise<Record<string, string>> {
  if (values.store === 'redis') return { REDIS_URL: `redis://127.0.0.1:${(await startRedis()).port}` }
  if (values.store !== 'sqlite') throw new Error('--store takes redis or sqlite')
  const folder = mkdtempSync(join(tmpdir(), 'sess-race-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return { SQLITE_FILE: join(folder, 'sessions.db') }
}

const env = await place()
await printAndExit(
  values.binding.map((name) => async (): Promise<Raced> => {
    const [file, framework] = BINDINGS[name] ?? []
    if (file === undefined) throw new Error(`there is no ${name}: --binding takes ${Object.keys(BINDINGS).join(', ')}`)
    return { name, result: await raced({ file }, env, trials, async (found) => found), versions: named(framework!, 3) }
  }),
  trials,
)

// The CPU time that a session of express-session takes of a request, with SessStore and with connect-redis on one Redis, without
// sockets of HTTP: one process, which takes its sides in turn in short slices. SessStore of another checkout too: --root PATH.
import { parseArgs } from 'node:util'
import { RedisStore } from 'connect-redis'
import session, { type Store } from 'express-session'
import type { RequestHandler } from 'express'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { startRedis } from '@sess/test-servers'
import type * as Core from '@sess/core'
import type * as DropIn from '@sess/express-session'
import type * as OnRedis from '@sess/redis'
import { visitors } from './in-process-visitors.ts'
import type { Small } from './servers/routes.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: 'string', default: '/write' },
    root: { type: 'string' },
    seconds: { type: 'string', default: '20' },
  },
})
/** How many requests are measured as one: short enough for some of these slices to meet no other work. */
const SLICE = 64

await using resources = new AsyncDisposableStack()
const redis = resources.use(await startRedis())
const url = `redis://127.0.0.1:${redis.port}`
const here = new URL('..', import.meta.url).pathname

async function storeOf(root: string, inMemory: boolean): Promise<Store> {
  const load = (name: string): Promise<unknown> =>
    import(new URL(`packages/${name}/src/index.ts`, `file://${root}/`).href)
  const { memoryStore } = (await load('core')) as typeof Core
  const { redisStore } = (await load('redis')) as typeof OnRedis
  const { SessStore } = (await load('express-session')) as typeof DropIn
  if (inMemory) return new SessStore({ store: memoryStore() })
  const client = resources.adopt(new Redis(url), (each) => each.disconnect())
  return new SessStore({ store: redisStore(client) })
}
const SIDES: Readonly<Record<string, () => Promise<Store>>> = {
  'connect-redis': async () => {
    const client = resources.adopt(createClient({ url }), (each) => each.destroy())
    await client.connect()
    return new RedisStore({ client })
  },
  'sess-store': () => storeOf(here, false),
  'sess-store-in-memory': () => storeOf(here, true),
  ...(values.root !== undefined && {
    'sess-store-of-root': () => storeOf(values.root!, false),
    'sess-store-in-memory-of-root': () => storeOf(values.root!, true),
  }),
}

const names = positionals.length > 0 ? positionals : Object.keys(SIDES)
const sides: {
  readonly name: string
  readonly requests: Awaited<ReturnType<typeof visitors>>
  readonly times: number[]
}[] = []
for (const name of names) {
  const store = await SIDES[name]!()
  const middleware: RequestHandler = session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false })
  const requests = await visitors(
    (req, res, next) => {
      // As Express sets it; express-session looks there.
      Object.assign(req, { originalUrl: req.url })
      void middleware(req as never, res as never, next)
    },
    (req) => (req as unknown as { session: Small }).session,
  )
  // Until the engine has compiled what it compiles.
  await requests(values.path, 20_000)
  sides.push({ name, requests, times: [] })
}

const end = performance.now() + 1000 * Number(values.seconds)
for (let slice = 0; performance.now() < end; slice++) {
  // Another one begins each time.
  for (let turn = 0; turn < sides.length; turn++) {
    const { requests, times } = sides[(turn + slice) % sides.length]!
    const before = process.cpuUsage()
    await requests(values.path, SLICE)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / SLICE)
  }
}
console.log(
  `${values.path}: microseconds of CPU time for each request, in the best slices, ${sides[0]!.times.length} of each`,
)
for (const { name, times } of sides) {
  times.sort((a, b) => a - b)
  const best = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(1)
  console.log(
    `  ${name.padEnd(30)} ${best(0.01)} in the best hundredth, ${best(0.05)} twentieth, ${best(0.25)} quarter`,
  )
}

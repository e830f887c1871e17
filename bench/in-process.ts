// The CPU time that a session takes of a request, without sockets and without a server of Redis: quieter than express.ts on a
// machine that does other work, and enough to compare two builds. The middleware of another checkout: --root PATH.
import { parseArgs } from 'node:util'
import type * as Core from '@sess/core'
import type * as Binding from '@sess/express'
import { visitors } from './in-process-visitors.ts'
import type { Small } from './servers/routes.ts'

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: new URL('..', import.meta.url).pathname },
    slices: { type: 'string', default: '60' },
  },
})
const packageOf = (name: string): string => new URL(`packages/${name}/src/index.ts`, `file://${values.root}/`).href
const { createSessions, memoryStore } = (await import(packageOf('core'))) as typeof Core
const { session } = (await import(packageOf('express'))) as typeof Binding

/** How many requests are measured as one: short enough for some of these slices to meet no other work. */
const SLICE = 960

const sessions = createSessions<Small>({ store: memoryStore() })
const middleware = session(sessions, { cookie: { secure: false } })

const requests = await visitors(
  middleware,
  (req) => (req as unknown as { readonly session: Core.Session<Small> }).session.data,
)

for (const path of ['/read', '/write']) {
  // Until the engine has compiled what it compiles.
  await requests(path, 20_000)
  const times: number[] = []
  for (let i = 0; i < Number(values.slices); i++) {
    const before = process.cpuUsage()
    await requests(path, SLICE)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / SLICE)
  }
  times.sort((a, b) => a - b)
  const [least, quarter] = [times[0]!, times[times.length >> 2]!]
  console.log(
    `${path}: ${least.toFixed(1)} µs of CPU time for each request at least, ${quarter.toFixed(1)} in the best quarter`,
  )
}

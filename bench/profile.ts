// Where the time of a request goes: a server's own microseconds by package, or by function with --functions, and those of
// Redis, for each kind of session.
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startRedis } from '@sess/test-servers'
import { Contestant } from './contestant.ts'
import { byFunction, byPackage } from './by-package.ts'
import { load, type Load } from './wrk.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    functions: { type: 'boolean', default: false },
    path: { type: 'string', default: '/read' },
    seconds: { type: 'string', default: '5' },
    sessions: { type: 'string', default: '256' },
    warm: { type: 'string', default: '5' },
  },
})
const names = positionals.length > 0 ? positionals : ['none', 'by-hand', 'express-session', 'sess']
const seconds = Number(values.seconds)

await using redis = await startRedis()
const admin = new Redis(redis.port)
/** The CPU time that Redis has taken so far, in microseconds. */
async function timeOfRedis(): Promise<number> {
  const said = await admin.info('cpu')
  return [...said.matchAll(/used_cpu_(?:sys|user):([\d.]+)/g)].reduce((sum, [, spent]) => sum + Number(spent) * 1e6, 0)
}
const inRedis = new Map<string, number>()
const tables = new Map<string, ReadonlyMap<string, number>>()
for (const name of names) {
  await using contestant = await Contestant.start(
    name,
    { REDIS_URL: `redis://127.0.0.1:${redis.port}` },
    Number(values.sessions),
  )
  const cookies = values.path === '/untouched' ? [] : contestant.cookies
  const work = (): Promise<Load> => load(contestant.url + values.path, cookies, seconds)
  // Until the engine has compiled what it compiles.
  await load(contestant.url + values.path, cookies, Number(values.warm))
  const before = await timeOfRedis()
  const { profile, result } = await contestant.profile(work)
  tables.set(name, (values.functions ? byFunction : byPackage)(profile, result.requests))
  inRedis.set(name, ((await timeOfRedis()) - before) / result.requests)
}
admin.disconnect()

const last = tables.get(names.at(-1)!)!
const packages = [...new Set([...tables.values()].flatMap((table) => [...table.keys()]))]
packages.sort((a, b) => (last.get(b) ?? 0) - (last.get(a) ?? 0))
const line = (label: string, number: (name: string) => number): string =>
  label.padEnd(values.functions ? 72 : 24) + names.map((name) => number(name).toFixed(1).padStart(17)).join('')
console.log(`${values.path}, microseconds of a request's own CPU time, ${seconds} s each`)
console.log(''.padEnd(values.functions ? 72 : 24) + names.map((name) => name.padStart(17)).join(''))
console.log(line('all', (name) => [...tables.get(name)!.values()].reduce((sum, time) => sum + time, 0)))
for (const label of packages)
  if (names.some((name) => (tables.get(name)!.get(label) ?? 0) >= 0.1))
    console.log(line(label, (name) => tables.get(name)!.get(label) ?? 0))
console.log(line('beside that, in Redis', (name) => inRedis.get(name)!))

// The CPU time that servers take for a request, over real connections: short slices of all in turn, each compared with the one
// beside it, which says more than seconds do on a machine that does other work as well. Without names: what a session that nobody
// touches costs each framework.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { startRedis } from '@sess/test-servers'
import { Contestant } from './contestant.ts'

/** Each framework by itself, with middleware (hooks, in Fastify) that does nothing, and with a session. */
const UNTOUCHED = [
  'none,empty,sess',
  'fastify-none,fastify-empty,fastify-sess',
  'hono-none,hono-empty,hono-sess',
  'koa-none,koa-empty,koa-sess',
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    slices: { type: 'string', default: '25' },
    requests: { type: 'string', default: '1500' },
    warm: { type: 'string', default: '20000' },
    // `/untouched` is asked by visitors without a cookie.
    path: { type: 'string', default: '/untouched' },
    sessions: { type: 'string', default: '256' },
  },
})
/** Contestants that are compared with the first of them. */
const groups = (positionals.length > 0 ? positionals : UNTOUCHED).map((group) => group.split(','))
const requests = Number(values.requests)
const CONNECTIONS = 32

/** Connections that ask for one path, each for the next answer when it has the one before. */
class Load implements Disposable {
  readonly #url: URL
  readonly #cookies: readonly string[]
  #asked = 0
  #sockets: readonly Socket[] = []

  constructor({ url, cookies }: Contestant) {
    this.#url = new URL(url)
    this.#cookies = values.path === '/untouched' ? [] : cookies
  }

  /** Connects anew: a server closes connections on which nothing is asked for a few seconds. */
  async connect(): Promise<void> {
    this[Symbol.dispose]()
    const { port, hostname } = this.#url
    this.#sockets = Array.from({ length: CONNECTIONS }, () => connect(Number(port), hostname).setNoDelay(true))
    await Promise.all(this.#sockets.map((socket) => once(socket, 'connect')))
    await this.run(CONNECTIONS)
  }

  /** Asks so many times in all. @throws {Error} For an answer that is no 200. */
  async run(count: number): Promise<void> {
    let left = count
    const head = `GET ${values.path} HTTP/1.1\r\nHost: ${this.#url.host}\r\n`
    const next = (): string => {
      const cookie = this.#cookies[this.#asked++ % this.#cookies.length]
      return cookie === undefined ? `${head}\r\n` : `${head}Cookie: ${cookie}\r\n\r\n`
    }
    const visit = async (socket: Socket): Promise<void> => {
      while (left-- > 0) {
        socket.write(next())
        let seen = ''
        while (!isWhole(seen)) seen += ((await once(socket, 'data')) as [Buffer])[0].toString('latin1')
        if (!seen.startsWith('HTTP/1.1 200 ')) throw new Error(`answered ${seen}`)
      }
    }
    await Promise.all(this.#sockets.map(visit))
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1]
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length === end + 4 + Number(length)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!
}

await using redis = await startRedis()
const urls = { REDIS_URL: `redis://127.0.0.1:${redis.port}` }
for (const sides of groups) {
  const [base = '', ...others] = sides
  const least = new Map<string, number>(sides.map((side) => [side, Infinity]))
  /** One number a round: the median of the ratios of its slices. */
  const ratios = new Map<string, number[]>(others.map((side) => [side, []]))
  // Each round has new processes: the engine compiles the same code a little differently each time.
  for (let round = 0; round < Number(values.rounds); round++) {
    await using resources = new AsyncDisposableStack()
    const running: { readonly side: string; readonly contestant: Contestant; readonly load: Load }[] = []
    for (const side of sides) {
      const contestant = resources.use(await Contestant.start(side, urls, Number(values.sessions)))
      const load = resources.use(new Load(contestant))
      running.push({ side, contestant, load })
      await load.connect()
      // Until the engine has compiled what it compiles.
      await load.run(Number(values.warm))
    }
    const times = new Map<string, number[]>(sides.map((side) => [side, []]))
    for (let slice = 0; slice < Number(values.slices); slice++) {
      // Another one begins each time.
      for (let turn = 0; turn < running.length; turn++) {
        const { side, contestant, load } = running[(turn + slice) % running.length]!
        await load.connect()
        const before = await contestant.cpuTime()
        await load.run(requests)
        const time = ((await contestant.cpuTime()) - before) / requests
        times.get(side)!.push(time)
        least.set(side, Math.min(time, least.get(side)!))
      }
    }
    for (const side of others)
      ratios.get(side)!.push(median(times.get(side)!.map((time, i) => time / times.get(base)![i]!)))
  }
  console.log(`\n${values.path}: microseconds of the server's CPU time for each request, the least of all slices`)
  console.log(`  ${base.padEnd(16)} ${least.get(base)!.toFixed(1)}`)
  for (const [side, all] of ratios)
    console.log(
      `  ${side.padEnd(16)} ${least.get(side)!.toFixed(1)}; beside ${base}: ${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`,
    )
}

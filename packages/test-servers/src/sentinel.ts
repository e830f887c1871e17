import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { redisProgram, startRedis, tlsSettings } from './redis.ts'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** A master, its replicas, and their Sentinels. */
export interface SentinelGroup extends AsyncDisposable {
  /** The name of the master in the Sentinels. */
  readonly name: string
  /** The servers. At the start, the first is the master. */
  readonly servers: readonly TestServer[]
  readonly sentinels: readonly TestServer[]
  /** Returns the server that the Sentinels name as master now. */
  master(): Promise<TestServer>
  /** Sets after how many ms without an answer the Sentinels take a master for dead. A long time makes an outage before the failover. */
  tolerate(ms: number): Promise<void>
  stop(): Promise<void>
}

const NAME = 'sess'
const DOWN_AFTER = 'down-after-milliseconds'

/**
 * Starts a master, replicas, and three Sentinels that take a master for dead after half a second.
 *
 * @param tls - Whether servers and Sentinels are reached by TLS alone. Default: false.
 */
export async function startSentinels(replicas: number, tls = false): Promise<SentinelGroup> {
  const first = await startRedis({}, tls)
  const others = await Promise.all(
    Array.from({ length: replicas }, () => startRedis({ replicaof: `127.0.0.1 ${first.port}` }, tls)),
  )
  const servers = [first, ...others]
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(first.port, tls)))
  const stop = async (): Promise<void> =>
    void (await Promise.all([...sentinels, ...servers].map((each) => each.stop())))
  const ready = new RegExp(`status=ok,.*slaves=${replicas},sentinels=3`)
  for (const { port } of sentinels) while (!(await says(port, 'INFO sentinel\r\n', ready, tls))) await delay(20)
  return {
    name: NAME,
    servers,
    sentinels,
    stop,
    [Symbol.asyncDispose]: stop,
    async master() {
      const question = `SENTINEL get-master-addr-by-name ${NAME}\r\n`
      // A Sentinel that is busy may answer late, and is asked again.
      for (let tries = 0; tries < 50; tries++) {
        for (const server of servers)
          if (await says(sentinels[0]!.port, question, new RegExp(`\\b${server.port}\\b`), tls)) return server
        await delay(100)
      }
      throw new Error('the Sentinels name none of the servers')
    },
    async tolerate(ms) {
      const order = `SENTINEL SET ${NAME} ${DOWN_AFTER} ${ms}\r\n`
      for (const { port } of sentinels) while (!(await says(port, order, /^\+OK/, tls))) await delay(20)
    },
  }
}

function startSentinel(master: number, tls: boolean): Promise<TestServer> {
  return startServer({
    command: redisProgram('sentinel'),
    args(port, folder) {
      const file = join(folder, 'sentinel.conf')
      const lines = [
        ...Object.entries(tls ? tlsSettings(port, folder) : { port }).map(([name, value]) => `${name} ${value}`),
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`,
        `sentinel ${DOWN_AFTER} ${NAME} 500`,
        `sentinel failover-timeout ${NAME} 5000`,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      return [file]
    },
    answers: (port) => says(port, 'PING\r\n', /^\+PONG/, tls),
  })
}

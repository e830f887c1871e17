/** Servers that are killed, and what follows: the same server is started again, or a replica is promoted. */
import { setTimeout as delay } from 'node:timers/promises'
import { migrate, postgresStore } from '@sess/postgres'
import { says, startPostgres, startRedis, startRedisCluster, startSentinels, type TestServer } from '@sess/test-servers'
import { killAll } from '../../packages/postgres/test/crash.ts'
import { poolOf } from '../../packages/postgres/test/pool.ts'
import { confirmedBy, onCluster, onOneServer, onSentinels, type App, type Client } from './apps.ts'

/** Running servers, and an application's store on them. */
export interface Scene extends AsyncDisposable {
  readonly app: App
  /** Whether the server that is to be killed has the session of a cookie. */
  holds(cookie: string): Promise<boolean>
  /** Cuts off the replicas of that server. */
  cutOff?(): Promise<void>
  /** Kills the server with SIGKILL, and waits for its end. */
  kill(): Promise<void>
  /** Waits for a server in its place. @returns When there was one, by `performance.now()`. */
  recover(): Promise<number>
  /** Starts the killed server again, once another has its place. */
  rejoin?(): Promise<void>
}

/** Waits for something that must happen. @throws {Error} If it does not within a minute: the scene did not take place. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not seen within a minute: ${what}`)
    await delay(5)
  }
}

/** Starts a server again after some time. @throws {Error} If it is not another process then. */
async function again(server: TestServer, downMs: number, killed: number | undefined): Promise<number> {
  await delay(downMs)
  await server.restart()
  if (server.pid === undefined || server.pid === killed) throw new Error('the server was not started again')
  return performance.now()
}

/** @throws {Error} If its process has not ended. */
function seeDead(server: TestServer): void {
  if (server.pid !== undefined) throw new Error('the server was not killed')
}

/** One server with `appendonly yes`. @param downMs - After how many ms the killed server is started again. */
export async function oneServer(client: Client, downMs: number): Promise<Scene> {
  const server = await startRedis({ appendonly: 'yes' })
  return restarted(server, onOneServer(client, server.port), downMs, () => server.kill())
}

/** PostgreSQL as it is installed. All its processes are killed. */
export async function postgres(downMs: number): Promise<Scene> {
  const server = await startPostgres()
  const pool = poolOf({ port: server.port, connectionTimeoutMillis: 3000, statement_timeout: 5000 })
  await migrate(pool)
  const app = { store: postgresStore(pool, { prepare: true }), close: () => pool.end() }
  return restarted(server, app, downMs, () => killAll(server))
}

function restarted(server: TestServer, app: App, downMs: number, kill: () => Promise<void>): Scene {
  let killed: number | undefined
  return {
    app,
    holds: async () => true,
    async kill() {
      killed = server.pid
      await kill()
      seeDead(server)
    },
    recover: () => again(server, downMs, killed),
    async [Symbol.asyncDispose]() {
      await app.close()
      await server.stop()
    },
  }
}

/** Takes the right to follow from the replicas of a master, and ends their connections. */
async function cutOffReplicas({ port }: TestServer): Promise<void> {
  for (const order of ['ACL SETUSER default -psync -sync', 'CLIENT KILL TYPE replica'])
    await until(order, () => says(port, `${order}\r\n`, /^(\+OK|:\d)/))
  await until('no replica follows', () => says(port, 'INFO replication\r\n', /connected_slaves:0/))
}

const isMaster = ({ port }: TestServer): Promise<boolean> => says(port, 'ROLE\r\n', /^\*3\r\n\$6\r\nmaster/)

/** A master with two replicas and three Sentinels. @param wait - Whether a logout waits for every replica that may be promoted. */
export async function sentinels(client: Client, wait: boolean): Promise<Scene> {
  const group = await startSentinels(2)
  let replicas = 2
  const app = onSentinels(client, group, wait ? confirmedBy(() => replicas) : undefined)
  const killed = await group.master()
  return {
    app,
    holds: async () => true,
    cutOff: () => cutOffReplicas(killed),
    async kill() {
      await killed.kill()
      seeDead(killed)
      replicas = 1
    },
    async recover() {
      let successor = killed
      await until(
        'another master',
        async () => (successor = await group.master()) !== killed && (await isMaster(successor)),
      )
      return performance.now()
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await group.stop()
    },
  }
}

/** Three masters with a replica each. @param wait - Whether a logout waits for the replica. */
export async function cluster(client: Client, wait: boolean): Promise<Scene> {
  const servers = await startRedisCluster(3)
  const ports = servers.nodes.map(({ port }) => port)
  const app = onCluster(client, ports, wait ? confirmedBy(() => 1) : undefined)
  const [killed] = servers.nodes as readonly [TestServer]
  const follows = new RegExp(`myself,slave ${await servers.cli(killed, 'CLUSTER', 'MYID')} `)
  const views = await Promise.all(servers.nodes.map((node) => servers.cli(node, 'CLUSTER', 'NODES')))
  const replica = servers.nodes[views.findIndex((view) => follows.test(view))]
  if (!replica) throw new Error('the master has no replica')
  return {
    app,
    // The key of a record is `sess:{tag}id`, and a cookie begins with tag and id.
    holds: async (cookie) =>
      (await servers.cli(killed, 'EXISTS', `sess:{${cookie.slice(0, 12)}}${cookie.slice(12, 28)}`)) === '1',
    cutOff: () => cutOffReplicas(killed),
    async kill() {
      await killed.kill()
      seeDead(killed)
    },
    async recover() {
      await until('a replica is promoted', () => isMaster(replica))
      return performance.now()
    },
    rejoin: () => killed.restart(),
    async [Symbol.asyncDispose]() {
      await app.close()
      await servers.stop()
    },
  }
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SELF_SIGNED } from './certificate.ts'
import { freePort } from './free-port.ts'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** Settings of `redis-server`, by their names in redis.conf: `{ maxmemory: '10mb', user: ['ann', 'on', 'nopass'] }`. */
export type RedisSettings = Readonly<Record<string, string | readonly string[]>>

/** The name of a program of Redis, or of a server in its place: with `SESS_REDIS=valkey` it is `valkey-server`, and so on. */
export const redisProgram = (kind: 'server' | 'cli' | 'sentinel'): string =>
  `${process.env['SESS_REDIS'] ?? 'redis'}-${kind}`

const KEEPS_NOTHING: RedisSettings = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  // A new replica does not wait for other replicas.
  'repl-diskless-sync-delay': '0',
}

/** Starts a `redis-server`. It keeps nothing on disk, unless the settings say so. */
export function startRedis(settings: RedisSettings = {}): Promise<TestServer> {
  return startServer({
    command: redisProgram('server'),
    args: (port, folder) => argumentsOf({ ...KEEPS_NOTHING, port: String(port), dir: folder, ...settings }),
    answers: (port) => says(port, 'PING\r\n', /^(\+PONG|-NOAUTH)/),
  })
}

/** A server that is reached by TLS as well. */
export interface TlsServer extends TestServer {
  /** On localhost. Its certificate is `SELF_SIGNED`. */
  readonly tlsPort: number
}

/** Starts a `redis-server` as {@link startRedis} does, that is reached by TLS as well. */
export async function startTlsRedis(settings: RedisSettings = {}): Promise<TlsServer> {
  const tlsPort = await freePort()
  const server = await startServer({
    command: redisProgram('server'),
    args: (port, folder) => {
      const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
      writeFileSync(cert, SELF_SIGNED.cert)
      writeFileSync(key, SELF_SIGNED.key, { mode: 0o600 })
      const tls = { 'tls-port': `${tlsPort}`, 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no' }
      return argumentsOf({ ...KEEPS_NOTHING, port: String(port), dir: folder, ...tls, ...settings })
    },
    answers: (port) => says(port, 'PING\r\n', /^(\+PONG|-NOAUTH)/),
  })
  return Object.assign(server, { tlsPort })
}

function argumentsOf(settings: RedisSettings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value].flat())
}

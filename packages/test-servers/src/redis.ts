import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SELF_SIGNED } from './certificate.ts'
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

/**
 * Starts a `redis-server`. It keeps nothing on disk, unless the settings say so.
 *
 * @param tls - Whether the server is reached by TLS alone, by clients, replicas and other nodes. Default: false.
 */
export function startRedis(settings: RedisSettings = {}, tls = false): Promise<TestServer> {
  return startServer({
    command: redisProgram('server'),
    args: (port, folder) =>
      argumentsOf({
        ...KEEPS_NOTHING,
        dir: folder,
        ...(tls ? tlsSettings(port, folder) : { port: String(port) }),
        ...settings,
      }),
    answers: (port) => says(port, 'PING\r\n', /^(\+PONG|-NOAUTH)/, tls),
  })
}

/** Settings of a server or a Sentinel that is reached by TLS alone. Writes the certificate and its key into the folder. */
export function tlsSettings(port: number, folder: string): RedisSettings {
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name)) as [string, string]
  writeFileSync(cert, SELF_SIGNED.cert)
  writeFileSync(key, SELF_SIGNED.key, { mode: 0o600 })
  return {
    port: '0',
    'tls-port': String(port),
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-ca-cert-file': cert,
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
    'tls-cluster': 'yes',
  }
}

function argumentsOf(settings: RedisSettings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value].flat())
}

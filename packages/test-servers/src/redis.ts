import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** What `redis-server` is started with, by the names in redis.conf: `{ maxmemory: '10mb', user: ['ann', 'on', 'nopass'] }`. */
export type RedisSettings = Readonly<Record<string, string | readonly string[]>>

const KEEPS_NOTHING: RedisSettings = {
  bind: '127.0.0.1',
  save: '',
  appendonly: 'no',
  // A replica that comes does not wait for others.
  'repl-diskless-sync-delay': '0',
}

/** Starts a `redis-server` that keeps nothing on disk, unless the settings say otherwise. */
export function startRedis(settings: RedisSettings = {}): Promise<TestServer> {
  return startServer({
    command: 'redis-server',
    args: (port, folder) => argumentsOf({ ...KEEPS_NOTHING, port: String(port), dir: folder, ...settings }),
    answers: (port) => says(port, 'PING\r\n', /^(\+PONG|-NOAUTH)/),
  })
}

function argumentsOf(settings: RedisSettings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value].flat())
}

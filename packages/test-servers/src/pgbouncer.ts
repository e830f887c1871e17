import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HELLO } from './postgres.ts'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** PgBouncer does not run as root, so root starts it as `nobody`. On Debian it is in a folder that may not be on the PATH. */
const SCRIPT = `
PATH="$PATH:/usr/sbin"
[ "$(id -u)" = 0 ] && as='setpriv --reuid=nobody --regid=nogroup --clear-groups' && chmod 755 .
exec $as pgbouncer -q "$1"`

/**
 * Starts a PgBouncer in transaction mode, where each transaction gets any free connection to the server. It accepts every client, as the
 * user `postgres`.
 *
 * @param port - The port of PostgreSQL.
 * @param settings - Settings of pgbouncer.ini, by their names.
 * @see https://www.pgbouncer.org/config.html
 */
export function startPgbouncer(
  { port }: Pick<TestServer, 'port'>,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  return startServer({
    command: 'sh',
    args: (own, folder) => {
      const file = join(folder, 'pgbouncer.ini')
      const all = {
        pool_mode: 'transaction',
        auth_type: 'any',
        listen_addr: '127.0.0.1',
        unix_socket_dir: '',
        ...settings,
      }
      const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
      const database = `postgres = host=127.0.0.1 port=${port} user=postgres`
      writeFileSync(file, ['[databases]', database, '[pgbouncer]', `listen_port = ${own}`, ...lines, ''].join('\n'))
      return ['-c', SCRIPT, 'sh', file]
    },
    answers: (own) => says(own, HELLO, /^R/),
  })
}

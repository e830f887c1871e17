import { globSync } from 'node:fs'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/**
 * PostgreSQL does not run as root, so root starts it as Debian's user `postgres`. Its processes share memory by files in its folder, which
 * is removed with it even if it is killed.
 */
const SCRIPT = `
if [ "$(id -u)" = 0 ]; then
  chown postgres . && as='setpriv --reuid=postgres --regid=postgres --clear-groups'
fi
[ -f data/PG_VERSION ] || $as "$1initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync || exit
exec $as "$1postgres" -D data -p "$2" -h 127.0.0.1 -k "$PWD" -c dynamic_shared_memory_type=mmap`

/** A startup message for the user `postgres`. A server that is ready answers R, for the authentication. */
export const HELLO = '\0\0\0\x17\0\x03\0\0user\0postgres\0\0'

/** Starts a new, empty PostgreSQL: user and database are `postgres`, and there is no password. */
export function startPostgres(): Promise<TestServer> {
  const [folder] = globSync('/usr/lib/postgresql/*/bin').toSorted().toReversed()
  return startServer({
    command: 'sh',
    args: (port) => ['-c', SCRIPT, 'sh', folder === undefined ? '' : `${folder}/`, String(port)],
    answers: (port) => says(port, HELLO, /^R/),
  })
}

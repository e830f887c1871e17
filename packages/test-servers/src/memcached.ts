import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/**
 * Starts a `memcached`.
 *
 * @param options - Further options of the command line, such as `['-m', '64']`.
 */
export function startMemcached(options: readonly string[] = []): Promise<TestServer> {
  // Run as root, memcached requires the name of another user.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  return startServer({
    command: 'memcached',
    args: (port) => ['-l', '127.0.0.1', '-p', String(port), '-U', '0', ...user, ...options],
    answers: (port) => says(port, 'version\r\n', /^VERSION/),
  })
}

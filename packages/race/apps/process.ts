import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How long a handler is busy, in ms: what a query to a database may take. */
export const WORK_MS: number = Number(process.env['WORK_MS'] ?? 20)

/** Says where this process listens: a line of JSON for the one that started it. */
export function announce(port: number): void {
  process.stdout.write(`${JSON.stringify({ url: `http://localhost:${port}` })}\n`)
}

/** Serves the app on a free port, or on PORT. */
export function listen(app: RequestListener): void {
  const server = createServer(app)
  server.listen(Number(process.env['PORT'] ?? 0), 'localhost', () => announce((server.address() as AddressInfo).port))
}

import type { App } from '../app.ts'
import { Browser, describe, newWrite, type Sent } from '../browser.ts'
import type { Exchange } from '../client.ts'
import { SetupError } from '../setup-error.ts'
import type { Trial } from '../trial.ts'

const refused = ({ status }: Exchange): boolean => status === 0 || status >= 400

/** Writes each key, on one server after the other, and reads on all servers. @throws {SetupError} */
export async function checkWrites(app: App, browser: Browser): Promise<Sent[]> {
  const { writes, login } = app.settings
  const written: Sent[] = []
  for (const [index, template] of writes.entries()) {
    const write = newWrite(template)
    const server = index % app.clients.length
    const { key, request } = template
    const exchange = await browser.send({ label: `write ${key}`, template: request, write, server })
    if (refused(exchange))
      throw new SetupError(
        'write_failed',
        `${request.label}: ${describe(exchange)}; check --write${login ? '' : ', and whether it needs a --login'}`,
      )
    written.push(write)
    await requireShown(app, browser, written, server, exchange)
    browser.learn(request, exchange)
  }
  return written
}

/** Checks that all servers show the writes, first the server that took the last write. */
async function requireShown(
  app: App,
  browser: Browser,
  written: readonly Sent[],
  server: number,
  exchange: Exchange,
): Promise<void> {
  const { servers, read } = app.settings
  const last = written.at(-1)!
  const request = last.template.request.label
  for (const step of servers.keys()) {
    const reader = (server + step) % servers.length
    const { shown } = await browser.look(written, reader)
    const missing = written.find(({ proof }) => !shown.has(proof!))
    if (missing === undefined) continue
    const page = `${read.label} on ${servers[reader]!.origin}`
    if (step > 0)
      throw new SetupError(
        'not_shared',
        `${page} does not show what was written on ${servers[server]!.origin}: the servers do not share a store, or one of them answers from a cache`,
      )
    if (missing !== last)
      throw new SetupError(
        'same_key',
        `After ${request}, ${page} no longer shows what ${missing.template.request.label} had written: both store under the same key. Give writes under different keys`,
      )
    throw new SetupError(
      'write_failed',
      `After ${request} (${describe(exchange)}), ${page} does not show the write; check --write and --read, or give the text that shows the write with --proof`,
    )
  }
}

/** Sends the in-flight request, if it is not one of the writes. @throws {SetupError} */
export async function checkInFlight(app: App, browser: Browser, written: readonly Sent[]): Promise<void> {
  const { inFlight, writes } = app.settings
  if (writes.includes(inFlight)) return
  const write = newWrite(inFlight)
  const exchange = await browser.send({ label: 'in flight', template: inFlight.request, write })
  const what = `${inFlight.request.label}: ${describe(exchange)}`
  if (refused(exchange)) throw new SetupError('write_failed', `${what}; check --in-flight`)
  const last = written.at(-1)!
  const { shown } = await browser.look([last, write])
  if (write.proof !== undefined && !shown.has(write.proof))
    throw new SetupError('write_failed', `${what}, and ${app.settings.read.label} does not show what it wrote`)
  if (!shown.has(last.proof!))
    throw new SetupError(
      'same_key',
      `${what}, and what ${last.template.request.label} had written is gone: give an --in-flight that changes another key than the last --write`,
    )
  browser.learn(inFlight.request, exchange)
}

/** Checks that a browser without cookies does not see the session. @throws {SetupError} `not_per_session`. */
export async function requirePrivate(app: App, trial: Trial, written: readonly Sent[]): Promise<void> {
  const { signedIn, shown } = await new Browser(app, trial, 'stranger').look(written)
  const { read, whoami } = app.settings
  if (!signedIn && shown.size === 0) return
  const page = signedIn ? whoami.label : read.label
  throw new SetupError(
    'not_per_session',
    `${page} shows the state of another browser to a browser without cookies: give a page that shows the state of its own session`,
  )
}

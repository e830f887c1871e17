import { App } from './app.ts'
import { control } from './control/control.ts'
import { requireLoopback } from './loopback.ts'
import { settingsOf, type RaceOptions, type Settings } from './options.ts'
import type { RaceResult, Row } from './result.ts'
import { runRaces } from './run.ts'

/** The requests to the app, for the report. */
function requestsOf(settings: Settings): Record<string, string> {
  const { writes, login, logout, read, whoami, inFlight, open, csrf } = settings
  return {
    ...(login && { login: login.label }),
    ...Object.fromEntries(writes.map(({ key, request }) => [`write ${key}`, request.label])),
    'in flight': inFlight.request.label,
    read: read.label,
    ...(login && { whoami: whoami.label }),
    ...(login && { open: open.label }),
    ...(csrf && { csrf: csrf.label }),
    ...(logout && { logout: logout.label }),
  }
}

function verdictOf(rows: readonly Row[]): RaceResult['verdict'] {
  if (rows.some(({ status }) => status === 'found')) return 'found'
  const judged = rows.some(({ status }) => status === 'clean')
  return judged && !rows.some(({ status }) => status === 'not judged') ? 'clean' : 'not judged'
}

/**
 * Tests an app's sessions for race conditions. It first sends each request alone, to check the options, and then runs the trials.
 *
 * @returns What was found. The result contains no cookie values.
 * @throws {SetupError} If an option is wrong, if a server is not on this machine, or if the requests, sent one after the other, do not do
 *   what the options say.
 */
export async function race(options: RaceOptions): Promise<RaceResult> {
  const settings = settingsOf(options)
  const startedAt = new Date()
  const start = performance.now()
  if (!settings.allowRemote) await Promise.all(settings.servers.map(requireLoopback))
  const timeUp = AbortSignal.timeout(settings.maxTimeMs)
  const app = new App(settings, options.signal ? AbortSignal.any([options.signal, timeUp]) : timeUp)
  try {
    options.onProgress?.({ phase: 'control' })
    const ground = await control(app)
    const ended = (): string | undefined =>
      options.signal?.aborted ? 'it was stopped' : timeUp.aborted ? 'the time was up' : undefined
    const { rows, timelines } = await runRaces(ground, ended, options.onProgress)
    return {
      version: 1,
      verdict: verdictOf(rows),
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(performance.now() - start),
      servers: settings.servers.map(({ href }) => href.replace(/\/$/, '')),
      trials: settings.trials,
      requests: requestsOf(settings),
      baseline: ground.baseline,
      rows,
      timelines,
    }
  } finally {
    app.close()
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../server.ts', import.meta.url))

/** A process of the demo. */
export interface Run {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly printed: { out: string; err: string }
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Ends it, whatever it does. */
  kill(): Promise<void>
}

/** Starts `server.ts` with these environment variables added. */
export function start(env: Readonly<Record<string, string>>): Run {
  const child = spawn(process.execPath, [SERVER], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.err += text))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  return {
    child,
    printed,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Waits for the address that the server prints. @throws When it ends before. */
export async function address({ child, printed, ended }: Run): Promise<string> {
  for (;;) {
    const url = /http:\/\/localhost:\d+/.exec(printed.out)?.[0]
    if (url !== undefined) return url
    const outcome = await Promise.race([once(child.stdout!, 'data'), ended])
    if (!Array.isArray(outcome)) throw new Error(`The server ended (${outcome}) before it was up: ${printed.err}`)
  }
}

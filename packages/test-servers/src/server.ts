import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** How a kind of server is started. */
export interface Program {
  /** Looked for on the PATH. */
  readonly command: string
  /** What it is called with. @param folder - Its own, empty at first, and its working directory. */
  readonly args: (port: number, folder: string) => readonly string[]
  /** Whether it answers; asked until it does. See `says`. */
  readonly answers: (port: number) => Promise<boolean>
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server that runs until it is stopped, or this process has gone. */
export interface TestServer extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number
  /** What it keeps; removed by `stop`. */
  readonly folder: string
  /** What it has printed since it was last started. */
  readonly output: string
  /** Its process; undefined while there is none. */
  readonly pid: number | undefined
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
  /** Stops it where it is, as a machine that hangs would, and waits until it does nothing more. */
  pause(): Promise<void>
  /** Lets it go on after `pause`. */
  resume(): void
  /** Starts it again after `kill`, on the same port and folder, and waits until it answers. */
  restart(): Promise<void>
  /** Ends it, and removes its folder. Idempotent. */
  stop(): Promise<void>
}

/** How long a server may take to answer first, in ms: machines are busy. */
const START_WITHIN_MS = 60_000
/** How long it may take to end in good order, in ms. */
const GRACE = 10_000

/*
 * The shell becomes the server. What it leaves behind reads from this process, whose end, however that comes, is the end of
 * what can be read; it then ends the server, and removes its folder. A line says that the server has gone by itself.
 */
const GUARDED = '{ read -r _ || { kill -9 $$; rm -rf "$PWD"; }; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-'

/**
 * Starts a server on a free port of 127.0.0.1, in a folder of its own.
 *
 * @returns Once it answers.
 * @throws {Error} If it ends before, or does not answer within a minute: with what it printed.
 */
export async function startServer(program: Program): Promise<TestServer> {
  const server = new Server(program, await freePort())
  await server.restart()
  return server
}

class Server implements TestServer {
  readonly port: number
  readonly folder = mkdtempSync(join(tmpdir(), 'sess-server-'))
  output = ''
  readonly #program: Program
  #child: ChildProcess | undefined

  constructor(program: Program, port: number) {
    this.#program = program
    this.port = port
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async restart(): Promise<void> {
    if (this.#child) throw new Error(`${this.#program.command} is running: kill it first`)
    const { command, args, env, answers } = this.#program
    this.output = ''
    const child = spawn('sh', ['-c', GUARDED, 'sh', command, ...args(this.port, this.folder)], {
      cwd: this.folder,
      env: { ...process.env, ...env },
      // A ctrl-C in a terminal is for this process alone.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    const guard = child.stdio[3] as Writable
    guard.on('error', () => {})
    child.once('exit', () => {
      guard.end('\n')
      this.#child = undefined
    })
    const deadline = performance.now() + START_WITHIN_MS
    while (!(await answers(this.port))) {
      if (this.#child === child && performance.now() < deadline) await delay(20)
      else {
        await this.stop()
        throw new Error(`${command} did not answer on port ${this.port}; it printed:\n${this.output}`)
      }
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async pause(): Promise<void> {
    const child = this.#running()
    child.kill('SIGSTOP')
    // A thread that is at work takes the signal a little later.
    while (!isStopped(child.pid!)) await delay(1)
  }

  resume(): void {
    this.#running().kill('SIGCONT')
  }

  async stop(): Promise<void> {
    const late = setTimeout(() => void this.kill(), GRACE)
    await this.#end('SIGTERM')
    clearTimeout(late)
    rmSync(this.folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #running(): ChildProcess {
    if (!this.#child) throw new Error(`${this.#program.command} is not running`)
    return this.#child
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child) return
    const gone = once(child, 'exit')
    child.kill(signal)
    // A stopped process takes no other signal before it goes on.
    child.kill('SIGCONT')
    await gone
  }
}

/** Whether each thread of a process is stopped, as Linux says; elsewhere the signal alone has to do. */
function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).every((thread) =>
      /^State:\s+T/m.test(readFileSync(join(threads, thread, 'status'), 'utf8')),
    )
  } catch {
    // A thread has ended meanwhile: look again. Or there is nothing to look at.
    return !existsSync(threads)
  }
}

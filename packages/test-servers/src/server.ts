import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A kind of server, and how to start it. */
export interface Program {
  /** The program, on the PATH. */
  readonly command: string
  /** Returns the arguments. @param folder - The server's own folder, empty at the start; its working directory. */
  readonly args: (port: number, folder: string) => readonly string[]
  /** Returns whether the server answers. It is called until it returns true. See `says`. */
  readonly answers: (port: number) => Promise<boolean>
  /** Environment variables, in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** A server that runs until it is stopped, or until this process ends. */
export interface TestServer extends AsyncDisposable {
  /** The port on 127.0.0.1. */
  readonly port: number
  /** The folder with its files. `stop` removes it. */
  readonly folder: string
  /** The output of the server since its last start. */
  readonly output: string
  /** The ID of its process; undefined while it does not run. */
  readonly pid: number | undefined
  /** Kills the server, like a crash, and waits for its end. */
  kill(): Promise<void>
  /** Stops its process (SIGSTOP), like a machine that hangs, and waits until all its threads have stopped. */
  pause(): Promise<void>
  /** Lets the process continue after `pause`. */
  resume(): void
  /** Starts the server again after `kill`, with the same port and folder, and waits until it answers. */
  restart(): Promise<void>
  /** Ends the server, and removes its folder. Idempotent. */
  stop(): Promise<void>
}

/** How long a server may take until its first answer, in ms. Long, because machines may be busy. */
const START_WITHIN_MS = 60_000
/** How long a server may take to end after SIGTERM, in ms. Then it is killed. */
const STOP_WITHIN_MS = 10_000

/*
 * The shell starts a guard in the background, and then becomes the server (exec). The guard reads from a pipe to this process. When this
 * process ends in any way, the pipe ends too; the guard then kills the server, and removes its folder. A line on the pipe tells the guard
 * that the server has already ended.
 */
const GUARDED = '{ read -r _ || { kill -9 $$; rm -rf "$PWD"; }; } <&3 >/dev/null 2>&1 & exec "$@" 3<&-'

/**
 * Starts a server on a free port of 127.0.0.1, in a folder of its own.
 *
 * @returns Resolves when the server answers.
 * @throws {Error} If the server ends before, or does not answer within a minute. The message has its output.
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
      // So that a ctrl-C in a terminal only goes to this process.
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
    // A busy thread stops a little later.
    while (!isStopped(child.pid!)) await delay(1)
  }

  resume(): void {
    this.#running().kill('SIGCONT')
  }

  async stop(): Promise<void> {
    const late = setTimeout(() => void this.kill(), STOP_WITHIN_MS)
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
    // A stopped process handles other signals only after SIGCONT.
    child.kill('SIGCONT')
    await gone
  }
}

/** Whether all threads of a process have stopped. It reads /proc, so on other systems than Linux it is always true. */
function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  try {
    return readdirSync(threads).every((thread) =>
      /^State:\s+T/m.test(readFileSync(join(threads, thread, 'status'), 'utf8')),
    )
  } catch {
    // A thread has ended meanwhile, so the caller must check again; or there is no /proc.
    return !existsSync(threads)
  }
}

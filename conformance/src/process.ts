import { fork, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Task } from './task.ts'

/** The file that the other process runs. It is in the folder of this file, in the source and in the published package. */
const WORKER = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

/** The default folder of Node.js's compile cache, so that only the first of some dozen processes compiles. */
const COMPILED = join(tmpdir(), 'node-compile-cache')

/** A message of a worker: `ready` once it is connected, then the result of its task. */
export interface Message {
  readonly ready?: true
  readonly value?: unknown
  readonly error?: string
}

/**
 * Runs tasks on a store, each in a process of its own. They begin together, once all are connected, and each process
 * must end by itself; the signal ends it.
 */
export async function runInProcesses(
  module: URL | string,
  argument: string,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<unknown[]> {
  const workers = tasks.map(() => start(module, argument, signal))
  await Promise.all(workers.map(({ ready }) => ready))
  for (const [i, { child }] of workers.entries()) child.send(tasks[i]!)
  return Promise.all(workers.map(({ answer }) => answer))
}

function start(
  module: URL | string,
  argument: string,
  signal: AbortSignal,
): { child: ChildProcess; ready: Promise<unknown>; answer: Promise<unknown> } {
  const child = fork(WORKER, [String(module), argument], {
    execArgv: [],
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    signal,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  let last: Message = {}
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const connected = new Promise<void>((resolve) => {
    child.on('message', (message: Message) => {
      last = message
      if (message.ready) resolve()
      if (message.error !== undefined) child.kill('SIGKILL') // an open handle may keep the process alive
    })
  })
  const answer = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.once('exit', (code, how) => {
      if (last.error !== undefined) reject(new Error(`in another process: ${last.error}`))
      else if ('value' in last && code === 0) resolve(last.value)
      else reject(new Error(`another process ended with ${how ?? code}: ${stderr.slice(-2000)}`))
    })
  })
  const ready = Promise.race([connected, answer])
  return { child, ready, answer }
}

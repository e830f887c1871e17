import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Task } from './task.ts'

/** The file that the other process runs; beside this one, in source and in the published package alike. */
const WORKER = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))

/** Runs a task on a store in a process of its own, which must end by itself; the signal ends it. */
export function runInProcess(
  module: URL | string,
  argument: string,
  task: Task,
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, [String(module), argument], {
      execArgv: [],
      signal,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    })
    let answer: { value?: unknown; error?: string } | undefined
    let stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('message', (message) => {
      answer = message as { value?: unknown; error?: string }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (answer?.error !== undefined) reject(new Error(`in another process: ${answer.error}`))
      else if (answer && code === 0) resolve(answer.value)
      else reject(new Error(`another process ended with ${signal ?? code}: ${stderr.slice(-2000)}`))
    })
    child.send(task)
  })
}

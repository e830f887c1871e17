import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestServer } from '@sess/test-servers'

/** Kills PostgreSQL with all its processes at once, and starts it again in its folder. */
export async function crash(server: TestServer): Promise<void> {
  await killAll(server)
  await server.restart()
}

/** Kills PostgreSQL with all its processes at once, and waits until none of them runs. */
export async function killAll(server: TestServer): Promise<void> {
  const { pid } = server
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
  const killed = server.kill()
  for (const child of children) killIfThere(child)
  await killed
  while (children.some(isRunning)) await delay(5)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has ended by itself, because its parent was killed first.
  }
}

/** Whether a process runs. A process that has ended, but has not been waited for, is a zombie and does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

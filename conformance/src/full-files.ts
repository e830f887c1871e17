import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Full } from './contract.ts'

/**
 * A disk that runs full, for stores that keep their files in a folder and write them in this process: while it is full no
 * file of the process may grow past the largest in the folder. The write that would fails at its end, as on a full disk.
 *
 * @returns Undefined where the system has no `prlimit`, as Linux has: leave `full` out there.
 * @see https://man7.org/linux/man-pages/man2/getrlimit.2.html (RLIMIT_FSIZE)
 */
export function fullFiles(folder: string): Full | undefined {
  const before = limit('--noheadings', '--raw', '--output', 'SOFT', '--fsize')
  if (before === undefined) return undefined
  const set = (bytes: string): void => {
    if (limit(`--fsize=${bytes}:`) === undefined) throw new Error(`prlimit could not set the size of files to ${bytes}`)
  }
  return {
    fill: async () => {
      const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size)
      set(String(Math.max(...sizes)))
    },
    free: async () => set(before),
  }
}

/** What prlimit says of this process; undefined: it cannot. */
function limit(...options: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('prlimit', ['--pid', String(process.pid), ...options], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

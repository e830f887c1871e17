import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Full } from './contract.ts'

/**
 * Simulates a full disk, for stores that keep their files in a folder and write them in this process. While the disk is full, no file
 * of the process may grow past the largest file in the folder. A write that needs more fails at its end, as on a full disk.
 *
 * @returns Undefined if the system has no `prlimit`, which Linux has: leave `full` out then.
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

/** Runs prlimit on this process. @returns Its output; undefined if prlimit is missing or failed. */
function limit(...options: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('prlimit', ['--pid', String(process.pid), ...options], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

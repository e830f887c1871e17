import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder in which Linux keeps files in memory. */
const IN_MEMORY = '/dev/shm'
/** The least free room, in bytes, with which the kit uses that folder: a container often has only 64 MB there. */
const LEAST_BYTES = 2 ** 28

/**
 * Makes an empty folder for a namespace of an embedded database. The folder is in memory if the system has room there, so no write
 * waits for a disk. The cases lose nothing by that: the kit cannot cut the power, so it could not see whether a write reached a disk.
 * If `TMPDIR` is set, the folder is there.
 *
 * @param prefix - The beginning of the folder's name.
 * @returns The path of the folder. Remove it with its files in `remove`.
 * @example
 * const folder = scratchFolder('sess-acme-')
 * return { argument: join(folder, 'sessions.db'), remove: async () => rmSync(folder, { recursive: true }) }
 */
export function scratchFolder(prefix: string): string {
  return mkdtempSync(join(process.env['TMPDIR'] === undefined && hasRoom() ? IN_MEMORY : tmpdir(), prefix))
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    return bavail * bsize >= LEAST_BYTES
  } catch {
    return false
  }
}

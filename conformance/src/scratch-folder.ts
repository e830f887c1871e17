import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where Linux keeps files in memory. */
const MEMORY = '/dev/shm'
/** With less room than that, in bytes, it is left alone: a container often has 64 MB there. */
const ROOM = 2 ** 28

/**
 * Makes an empty folder for a namespace of an embedded database: in memory, where the system has room there, so that no write
 * waits for a disk. The kit cannot cut the power, and so could not see whether one had. Where `TMPDIR` is set, it is made there.
 *
 * @param prefix - What the folder's name begins with.
 * @returns Its path. Remove it in `remove`, with what is in it.
 * @example
 * const folder = scratchFolder('sess-acme-')
 * return { argument: join(folder, 'sessions.db'), remove: async () => rmSync(folder, { recursive: true }) }
 */
export function scratchFolder(prefix: string): string {
  return mkdtempSync(join(process.env['TMPDIR'] === undefined && hasRoom() ? MEMORY : tmpdir(), prefix))
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize >= ROOM
  } catch {
    return false
  }
}

import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** The free space that tests need, in bytes: much more than they write at the same time. */
const ROOM_BYTES = 2 ** 30

/** A folder that Linux keeps in memory. */
const MEMORY_FOLDER = '/dev/shm'

/**
 * The folder in which tests make their folders: in memory if there is room, unless `TMPDIR` is set. On a disk, a store that syncs each write
 * would wait for other work of the machine; and no test simulates a power failure, for which a disk would be needed.
 */
export function scratch(): string {
  if (process.env['TMPDIR'] !== undefined) return process.env['TMPDIR']
  try {
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER)
    return bavail * bsize >= ROOM_BYTES ? MEMORY_FOLDER : tmpdir()
  } catch {
    return tmpdir()
  }
}

import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** What the tests may write at a time, in bytes, with much to spare. */
const ROOM_BYTES = 2 ** 30

/** Linux keeps it in memory. */
const MEMORY_FOLDER = '/dev/shm'

/**
 * Where tests make their folders. A store that waits for the disk at each write waits as long as the machine's other work
 * makes it, and no test can see a power failure: so in memory, where there is room, unless `TMPDIR` says otherwise.
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

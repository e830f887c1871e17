import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFile } from '../test/file.ts'

const PROGRAM = join(import.meta.dirname, '../test/full-disk.ts')

// The commit is the last step of a statement. A driver that stops at the first row does not see it fail.
test.each(['better-sqlite3', 'node:sqlite'])(
  'on a full disk nothing is acknowledged that did not happen: %s',
  (driver) => {
    const { stdout, stderr } = spawnSync(
      'bash',
      ['-c', 'ulimit -f 600 && exec "$0" "$@"', process.execPath, PROGRAM, newFile(), driver],
      { encoding: 'utf8' },
    )
    expect(stderr).not.toMatch(/Error/)
    const { full, said, status } = JSON.parse(stdout) as {
      full: string[]
      said: Record<string, string>
      status: string
    }
    for (const code of [...full, ...Object.values(said)]) expect(code).toMatch(/^(store_full|unknown_outcome)$/)
    expect(Object.keys(said)).toEqual(['regenerate', 'revokeSubject', 'logout'])
    expect(status).toBe('active')
  },
)

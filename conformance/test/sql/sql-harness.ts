import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionStore } from '@sess/core'
import { fullFiles } from '../../src/faults.ts'
import { harnessOf, scratchFolder, type Connection, type Harness } from '../../src/harness.ts'
import { SqlStore } from './sql-store.ts'

/** Another client of a file. The module that the kit's other processes load is this one. */
export function connect(file: string): Connection {
  const store = new SqlStore(file)
  return { store, close: () => store.close() }
}

/** A harness on a file, of the store that is made of it. Its other processes have the sound one. */
export function sqlHarness(make: (file: string) => SessionStore): Harness {
  return harnessOf({
    name: 'sql',
    module: import.meta.url,
    connect: (file) => {
      const store = make(file)
      return { store, close: async () => store.close!() }
    },
    make: async () => {
      const folder = scratchFolder('sess-sql-')
      const full = fullFiles(folder)
      return {
        argument: join(folder, 'sessions.db'),
        ...(full && { full }),
        remove: async () => rmSync(folder, { recursive: true }),
      }
    },
  })
}

export const harness: Harness = sqlHarness((file) => new SqlStore(file))

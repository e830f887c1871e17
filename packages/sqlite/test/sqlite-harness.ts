import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fullFiles } from '@sess/conformance/faults'
import { harnessOf, scratchFolder, type Connection, type Harness, type Raw } from '@sess/conformance/harness'
import manifest from '../package.json' with { type: 'json' }
import { sqliteStore } from '../src/index.ts'
import { rowsOf, type TestDatabase, type TestDriver } from './databases.ts'

/** Another client of a file: for the kit's other processes, too. */
export function connectBy(driver: TestDriver): (file: string) => Connection {
  return (file) => {
    const database = driver.open(file)
    const store = sqliteStore(database)
    return {
      store,
      ping: async () => rowsOf(database, 'SELECT 1'),
      close: async () => {
        await store.close!()
        database.close()
      },
    }
  }
}

/** The files past the store: the database, its log, and what deleted rows have left behind. */
function rawOf(driver: TestDriver, file: string): Raw {
  const use = async <T>(run: (database: TestDatabase) => T): Promise<T> => {
    const database = driver.open(file)
    try {
      return run(database)
    } finally {
      database.close()
    }
  }
  return {
    read: ({ tag, id }) =>
      use(
        (database) =>
          rowsOf<{ payload: Uint8Array }>(
            database,
            'SELECT payload FROM sess_sessions WHERE tag = ? AND id = ?',
            tag,
            id,
          )[0]?.payload,
      ),
    write: ({ tag, id }, bytes) =>
      use((database) => {
        const statement = database.prepare('UPDATE sess_sessions SET payload = ? WHERE tag = ? AND id = ?')
        statement.run(...([bytes, tag, id] as never[]))
      }),
    dump: async () => Buffer.concat(readdirSync(dirname(file)).map((name) => readFileSync(join(dirname(file), name)))),
  }
}

/**
 * The store on one driver: each namespace is a file.
 *
 * @param module - The module that exports `connect` for this driver: the kit's other processes import it.
 */
export function sqliteHarness(driver: TestDriver, module: string): Harness {
  return harnessOf({
    name: driver.name === 'better-sqlite3' ? 'sqlite' : `sqlite on ${driver.name}`,
    module,
    connect: connectBy(driver),
    make: async () => {
      const folder = scratchFolder('sess-sqlite-')
      const file = join(folder, 'sessions.db')
      const full = fullFiles(folder)
      return {
        argument: file,
        raw: rawOf(driver, file),
        ...(full && { full }),
        remove: async () => rmSync(folder, { recursive: true }),
      }
    },
    versions: async () => {
      const database = driver.open(':memory:')
      try {
        const [row] = rowsOf<{ version: string }>(database, 'SELECT sqlite_version() AS version')
        return { [manifest.name]: manifest.version, [driver.name]: driver.version, sqlite: row!.version }
      } finally {
        database.close()
      }
    },
  })
}

/** Opens each file that a message names at the time that the message names, makes a store and a record, and says how that went. */
import { sqliteStore } from '../src/index.ts'
import { betterSqlite3 } from './harness.ts'
import { keyOf, recordOf } from './record.ts'

const index = Number(process.argv[2])
process.on('message', (message: { file: string; at: number }) => void start(message))
process.on('disconnect', () => process.exit())
process.send!('ready')

async function start({ file, at }: { file: string; at: number }): Promise<void> {
  while (Date.now() < at);
  const database = betterSqlite3.open(file)
  try {
    const created = await sqliteStore(database).create(keyOf(index), recordOf(1), 0)
    process.send!(created ? 'ok' : 'not created')
  } catch (error) {
    process.send!(String(error))
  } finally {
    database.close()
  }
}

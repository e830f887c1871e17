/** For each message, makes the table of a schema at the time of the message, and creates a record; sends back the result. */
import { migrate, postgresStore } from '../src/index.ts'
import { poolOf } from './pool.ts'
import { keyOf, now, record } from './record.ts'

const pool = poolOf({ port: Number(process.argv[2]), max: 2 })
await pool.query('SELECT 1')
process.on('message', (message: { schema: string; at: number }) => void start(message))
process.on('disconnect', () => void pool.end())
process.send!('ready')

async function start({ schema, at }: { schema: string; at: number }): Promise<void> {
  while (Date.now() < at);
  try {
    await migrate(pool, { schema })
    const created = await postgresStore(pool, { schema }).create(keyOf(), record, now)
    process.send!(created ? 'ok' : 'not created')
  } catch (error) {
    process.send!(String(error))
  }
}

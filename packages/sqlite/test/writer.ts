/** Replaces one record of a file for as long as it lives, and says each revision once that is acknowledged. */
import { writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import { asExpected, type AnyRecord } from '@sess/core/adapter'
import { sqliteStore } from '../src/index.ts'
import { keyOf, recordOf } from './record.ts'

const store = sqliteStore(new Database(process.argv[2]))
let record: AnyRecord | undefined = await store.read(keyOf(1), 0)
if (!record) await store.create(keyOf(1), (record = recordOf(1)), 0)
for (;;) {
  const next = recordOf(record.revision + 1, 'x'.repeat(10_000))
  const answer = await store.replace(keyOf(1), asExpected(record), next, 0)
  if (answer !== 'replaced') throw new Error(answer)
  record = next
  writeSync(1, `${record.revision}\n`)
}

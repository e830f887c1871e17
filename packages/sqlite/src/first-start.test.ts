import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { sum } from '@sess/core/adapter'
import { expect, onTestFinished, test } from 'vitest'
import { newFile, open } from '../test/file.ts'
import { keyOf, recordOf } from '../test/record.ts'
import { sqliteStore } from './index.ts'

const PROGRAM = join(import.meta.dirname, '../test/first-start.ts')

async function said(worker: ChildProcess): Promise<unknown> {
  const [message] = (await once(worker, 'message')) as [unknown]
  return message
}

test('processes that start at once on a new file all start', async () => {
  const workers = Array.from({ length: 6 }, (_, i) => fork(PROGRAM, [String(i)]))
  onTestFinished(() => workers.forEach((worker) => worker.disconnect()))
  expect(await Promise.all(workers.map(said))).toEqual(workers.map(() => 'ready'))
  for (let round = 0; round < 20; round++) {
    const file = newFile()
    const answers = Promise.all(workers.map(said))
    const at = Date.now() + 10
    for (const worker of workers) worker.send({ file, at })
    expect(await answers).toEqual(workers.map(() => 'ok'))
    expect(await sum(sqliteStore(open(file)).count!(0))).toBe(workers.length)
  }
})

test('sqliteStore() works while another connection holds the lock, and its first call waits', async () => {
  const file = newFile()
  const other = open(file)
  other.exec('BEGIN EXCLUSIVE; CREATE TABLE other (a)')
  const store = sqliteStore(open(file))
  const created = store.create(keyOf(1), recordOf(1), 0)
  const read = store.read(keyOf(1), 0)
  other.exec('COMMIT')
  expect(await created).toBe(true)
  expect([undefined, 1]).toContain((await read)?.revision)
})

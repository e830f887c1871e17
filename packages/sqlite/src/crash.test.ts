import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { newFile } from '../test/file.ts'
import { keyOf } from '../test/record.ts'
import { sqliteStore } from './index.ts'

const WRITER = join(import.meta.dirname, '../test/writer.ts')

test('a process that is killed while it writes loses no acknowledged write, and leaves no partial write', async () => {
  const file = newFile()
  for (const writes of [1, 2, 10, 50]) {
    const writer = spawn(process.execPath, [WRITER, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(writer, 'close')
    let said = ''
    for await (const chunk of writer.stdout.setEncoding('utf8') as AsyncIterable<string>) {
      said += chunk
      if (said.split('\n').length > writes && !writer.killed) writer.kill('SIGKILL')
    }
    expect((await closed)[1]).toBe('SIGKILL')
    const acknowledged = Number(said.split('\n').at(-2))

    const database = new Database(file)
    const record = await sqliteStore(database).read(keyOf(1), 0)
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
    database.close()
    // One more may have been written, and not said.
    expect([acknowledged, acknowledged + 1]).toContain(record!.revision)
    expect(record!.payload.length).toBe(10_000)
  }
  // Each write waits for the disk, which others may keep busy.
}, 300_000)

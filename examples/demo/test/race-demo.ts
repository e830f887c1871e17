import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { race, type RaceOptions, type RaceResult } from '@sess/race'
import { address, start } from './process.ts'

/** Starts two processes of the demo on one new file, races them over HTTP, and stops them. */
export async function raceDemo(options: Pick<RaceOptions, 'trials' | 'maxTimeMs' | 'onProgress'>): Promise<RaceResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sess-demo-race-'))
  const servers = [0, 1].map(() => start({ PORT: '0', SESS_DB: join(folder, 'sessions.db') }))
  try {
    return await race({
      servers: await Promise.all(servers.map(address)),
      login: 'POST /login user={user}&password=demo',
      // Busy for a moment between load and save, as a handler is that asks a database.
      writes: ['POST /notes key=a&value={value}&busy=5', 'POST /notes key=b&value={value}&busy=5'],
      read: 'GET /me',
      logout: 'POST /logout',
      ...options,
    })
  } finally {
    await Promise.all(servers.map((server) => server.kill()))
    rmSync(folder, { recursive: true })
  }
}

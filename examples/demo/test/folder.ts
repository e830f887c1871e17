import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { serve, type Served, type ServeOptions } from '../serve.ts'

/** A folder that goes when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sess-demo-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A demo on a free port and a file of its own, until the test ends. */
export async function demo(options: Partial<ServeOptions> = {}): Promise<Served> {
  const served = await serve({ file: join(folder(), 'sessions.db'), port: 0, ...options })
  onTestFinished(() => served.close())
  return served
}

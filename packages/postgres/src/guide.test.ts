import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPostgres } from '@sess/test-servers'
import { afterAll, expect, test } from 'vitest'

const HERE = join(import.meta.dirname, '..')
const GUIDE = readFileSync(join(HERE, '../../docs/writing-an-adapter.md'), 'utf8')

/** Joins the blocks of a file of the guide: the block that begins with the file's name, and the blocks after it that continue it. */
function fileOf(name: string): string {
  const blocks = [...GUIDE.matchAll(/^```ts(| continue)\n([^]*?)^```$/gm)].map(([, goesOn, code]) => ({ goesOn, code }))
  const first = blocks.findIndex(({ code }) => code!.startsWith(`// ${name}\n`))
  const after = blocks.findIndex(({ goesOn }, i) => i > first && goesOn === '')
  return blocks
    .slice(first, after)
    .map(({ code }) => code)
    .join('\n')
}

const server = await startPostgres()
const folder = mkdtempSync(join(tmpdir(), 'sess-guide-'))
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

test('the store that "Writing an adapter" builds keeps the contract', { timeout: 1_500_000 }, async () => {
  symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
  for (const name of ['harness.ts', 'pg-store.ts']) writeFileSync(join(folder, name), fileOf(name))
  const command = join(HERE, 'node_modules/@sess/conformance/src/cli.ts')
  // Except for one history, the cases use one process and one client at a time. The tests of @sess/postgres run all cases.
  const some = ['identity', 'round-trip', 'clock', 'faults', 'life-cycle'].flatMap((clause) => ['--clause', clause])
  const args = [command, './harness.ts', '--quick', ...some, '--case', 'races/history-of-clients']
  const run = promisify(execFile)(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, PGPORT: String(server.port) },
  })
  const { stdout } = await run.catch((error: unknown) => error as { readonly stdout: string })
  expect(stdout).toMatch(/\n\d+ passed, \d+ not applicable of \d+ cases/)
  expect(stdout).toMatch(/^races +· /m)
})

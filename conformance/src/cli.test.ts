import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import type { Report } from './index.ts'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const MEMORY = file('../test/memory-harness.ts')
const BROKEN = file('../test/broken/harnesses.ts')

interface Ended {
  readonly code: number | null
  readonly output: string
}

function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file('cli.ts'), ...args], { env: { ...process.env, ...env } })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}

const folder = mkdtempSync(join(tmpdir(), 'sess-conformance-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent('a broken harness exits with 2, and a message on how to fix it', { timeout: 600_000 }, () => {
  test.each([
    ['throws-at-open', 'open() failed; does the server run, and can it be reached?: ECONNREFUSED 127.0.0.1:6379'],
    // 4 s on a fast machine: deadlines grow with the machine's slowness.
    ['hangs-at-open', /open\(\) did not end within [\d.]+ s/],
    ['opens-rubbish', 'open() must resolve to { store, connect, close }'],
    ['shares-state', 'each open() must give its own table, file or prefix'],
    ['is-not-empty', 'a namespace with 1 records in it: it must be empty'],
    ['cannot-connect', 'connect() failed; it must give another client of the same data: too many clients'],
    ['connects-elsewhere', 'connect() reaches other data than the store that open() gave'],
    ['connects-to-rubbish', 'connect() must resolve to a store'],
    ['throws-at-close', 'close() failed; it must end what open() and connect() began: busy'],
    ['hangs-at-close', /close\(\) did not end within [\d.]+ s/],
    ['names-no-argument', 'open() must give an argument'],
    ['names-another-module', 'the process module must export connect(argument)'],
    ['deviates-from-nothing', 'deviations name "races/no-such-case", which is not a case'],
    ['deviates-without-reason', 'the deviation from races/increments must have a reason'],
    ['swaps-replace', 'takes the arguments of replace(key, expected, next, now) in another order'],
    ['swaps-touch', 'takes the arguments of touch(key, expected, expiresAt, now) in another order'],
    ['is-none', 'the module has no harness: export { name, open }'],
  ])('%s', async (name, sentence) => {
    const { code, output } = await command([BROKEN, '--patience', '4000'], { BROKEN: name })
    expect({ code, output }).toEqual({
      code: 2,
      output: (typeof sentence === 'string'
        ? expect.stringContaining(sentence)
        : expect.stringMatching(sentence)) as unknown,
    })
  })

  test('a harness that fails during the run is reported as a harness error, not as a broken store', async () => {
    const { code, output } = await command([BROKEN], { BROKEN: 'fails-later' })
    expect(output).toContain('harness error: ')
    expect(output).toContain('3 harness error')
    expect(output).toContain('nothing is said of the store')
    expect(code).toBe(2)
  })
})

describe.concurrent('a command that cannot be run exits with 2', { timeout: 600_000 }, () => {
  test.each([
    ['no harness', [], 'name one module that exports a harness'],
    ['an unknown option', [MEMORY, '--fast'], "'--fast'"],
    ['an unknown case, which leaves none', [MEMORY, '--case', 'races/none'], '"races/none" is not a case'],
    ['an unknown clause, which leaves none', [MEMORY, '--clause', 'race'], '"race/*" is not a case'],
    ['a module that is not there', ['./no-such-harness.mjs'], 'no-such-harness.mjs'],
    ['a number that is none', [MEMORY, '--seed', '0x10'], "--seed takes a whole number; it was given '0x10'"],
  ])('%s', async (_, args, sentence) => {
    const { code, output } = await command(args)
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining(sentence) as unknown })
  })
})

describe.concurrent(
  'a run on a store that hangs is ended, and the report names the call that hangs',
  { timeout: 600_000 },
  () => {
    test.each([
      ['hanging-replace', /replace\(key 1, r1 .*, r2 .*\) of client 1 did not end within [\d.]+ s/],
      ['hanging-read', /read\(key \d, now\) of client 1 did not end within [\d.]+ s/],
    ])('%s', async (name, where) => {
      const { code, output } = await command([BROKEN, '--patience', '1000'], { BROKEN: name })
      expect(output).toMatch(where)
      expect(output).toMatch(/failed: \w+/)
      expect(output).toContain('never ended')
      // Each case names its call, also for a call in a further namespace.
      expect(output).not.toContain('it did not end')
      expect(output).toContain('3 failed')
      expect(code).toBe(1)
    })
  },
)

test('a run on a sound store exits with 0 and writes every report', { timeout: 600_000 }, async () => {
  const out = join(folder, 'memory')
  const { code, output } = await command([MEMORY, '--quick', '--seed', '7', '--bench', '--report', out])
  expect(output).toContain('memory passed a quick run, which proves nothing.')
  expect(output).toMatch(/sessions: load, login +[\d.]+ +[\d.]+ +3/)
  expect(code).toBe(0)
  expect(readdirSync(out).toSorted()).toEqual(['badge.svg', 'junit.xml', 'report.html', 'report.json', 'report.md'])
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')) as Report
  expect(report).toMatchObject({ verdict: 'pass', complete: false, seed: 7, contract: 1, name: 'memory' })
})

test(
  'a run on a broken store exits with 1, and prints the calls that fail and how to repeat them',
  { timeout: 600_000 },
  async () => {
    const out = join(folder, 'broken')
    const { code, output } = await command([BROKEN, '--seed', '3', '--report', out], { BROKEN: 'overwrites' })
    expect(code).toBe(1)
    expect(output).toContain('overwrites breaks the contract.')
    expect(output).toContain('Again: --case races/history-of-clients --seed 3')
    const read = (name: string): string => readFileSync(join(out, name), 'utf8')
    expect(read('report.html')).toContain('cannot be right')
    expect(read('report.md')).toContain('### failed: races/history-of-clients')
    expect(read('junit.xml')).toMatch(/<testcase name="races\/history-of-clients"[^>]*><failure/)
    expect(read('badge.svg')).toMatch(/\d+ of \d+ failed/)
  },
)

test('an unhandled error fails its case', { timeout: 600_000 }, async () => {
  const args = [BROKEN, '--case', 'round-trip/delete', '--case', 'round-trip/replace']
  const { code, output } = await command(args, { BROKEN: 'strays' })
  expect(output).toContain('an unhandled error, which would have ended the process: left alone')
  expect(code).toBe(1)
})

test('a case listed as a deviation is run, and must fail', { timeout: 600_000 }, async () => {
  const args = [BROKEN, '--case', 'round-trip/delete', '--case', 'races/stale-replace']
  const { code, output } = await command(args, { BROKEN: 'deviates' })
  expect(output).toContain('the store keeps this rule: remove it from the deviations')
  expect(output).toContain('1 failed, 1 deviates as listed')
  expect(code).toBe(1)
})

test('a module that exports a serializer runs the cases of serializers on it', { timeout: 600_000 }, async () => {
  const { code, output } = await command([file('../test/json-serializer.ts')])
  expect(output).toContain('json keeps the contract, version 1.')
  expect(output).toMatch(/^serialization +·+  /m)
  expect(code).toBe(0)
})

test('--help prints the options, --list the cases', async () => {
  expect(await command(['--help'])).toMatchObject({
    code: 0,
    output: expect.stringContaining('--report DIR') as unknown,
  })
  const { output } = await command(['--list'])
  expect(output).toContain('races/stale-replace\n    A replace that expects')
})

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { textReport, type RaceResult } from '../src/index.ts'
import { Fixture } from './fixture.ts'

const cli = join(import.meta.dirname, '../src/cli.ts')
const folder = mkdtempSync(join(tmpdir(), 'sess-race-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const run = (...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [cli, ...args], { timeout: 300_000 }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })

const requests = [
  '--login=POST /login user={user}&password=secret',
  '--write=POST /set key=a&value={value}',
  '--write=POST /set key=b&value={value}',
  '--read=GET /get',
  '--logout=POST /logout',
]

test('exits with 0 and prints a table for an app that does everything right', async () => {
  await using app = await new Fixture().start()
  const json = join(folder, 'clean.json')
  const { code, stdout, stderr } = await run(...app.urls, ...requests, '--trials', '5', '--json', json)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const result = JSON.parse(readFileSync(json, 'utf8')) as RaceResult
  expect(result).toMatchObject({ version: 1, verdict: 'clean', trials: 5, servers: app.urls })
  expect(stdout).toBe(`${textReport(result)}\n`)
  expect(stdout).toContain('Nothing was lost, resurrected or adopted in 8 checks.')
})

test('exits with 1 for a faulty app; --json writes JSON only to standard output, and a page can be written too', async () => {
  await using app = await new Fixture({ adopts: true }).start(1)
  const page = join(folder, 'found.html')
  const { code, stdout, stderr } = await run(
    ...app.urls,
    ...requests,
    '--only',
    'adoption',
    '--only',
    'fixation',
    '--trials',
    '3',
    '--concurrency',
    '1',
    '--json',
    '-',
    '--html',
    page,
  )
  expect(code).toBe(1)
  const result = JSON.parse(stdout) as RaceResult
  expect(result.rows.filter(({ status }) => status === 'found').map(({ check }) => check)).toEqual([
    'made-up-adopted',
    'ended-adopted',
  ])
  expect(stderr).toBe(`${textReport(result)}\n`)
  expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>[\s\S]*a made-up cookie is adopted[\s\S]*<\/html>\s*$/)
})

test('exits with 2 and prints one sentence if a run cannot be judged', async () => {
  await using app = await new Fixture().start(1)
  const wrong: [string[], string][] = [
    [
      [...app.urls, ...requests, '--logout', '/nothing'],
      'After the logout (POST /nothing: answered 200), GET /get still shows',
    ],
    [['http://192.0.2.1', ...requests], '192.0.2.1 is not on this machine'],
    [['http://localhost:1', ...requests], 'With nothing else in flight: who am I: '],
    [[...app.urls, '--write', '/a'], 'Say with --read which page'],
    [[...app.urls, ...requests, '--trails', '5'], "Unknown option '--trails'"],
    [[...app.urls, ...requests, '--trials', 'many'], "--trials takes a whole number; it was given 'many'"],
    [[...app.urls, ...requests, '--header', 'X'], "--header takes 'Name: value'"],
    [[...app.urls, ...requests, '--header', 'Cookie: a=b'], '--header cannot set Cookie'],
    [[...app.urls, ...requests, '--csrf-pattern', '('], '--csrf-pattern: Invalid regular expression'],
    [[...app.urls, ...requests, '--trials', '1', '--only', 'writes', '--html', folder], 'EISDIR'],
  ]
  await Promise.all(
    wrong.map(async ([args, sentence]) => {
      const { code, stdout, stderr } = await run(...args)
      expect(stderr).toContain(`sess-race: ${sentence}`)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect(stdout).toBe('')
      expect(code).toBe(2)
    }),
  )
})

test('ctrl-C ends the run, and what was judged by then is reported', async () => {
  await using app = await new Fixture().start(1)
  const args = [...app.urls, ...requests, '--only', 'writes', '--trials', '100000']
  const child = execFile(process.execPath, [cli, ...args], { timeout: 60_000 })
  let stdout = ''
  child.stdout!.on('data', (text: string) => (stdout += text))
  const ended = once(child, 'close')
  while (app.requests.length < 300) await setImmediate()
  child.kill('SIGINT')
  expect(await ended).toEqual([2, null])
  expect(stdout).toMatch(/^UNJUDGED {2}an acknowledged write is not there.* it was stopped after \d+ of 100000 trials/m)
})

test('--help prints the options', async () => {
  const { code, stdout } = await run('--help')
  expect(code).toBe(0)
  const named = [...stdout.matchAll(/^ {2}--([\w-]+)/gm)].map(([, name]) => name!)
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const described = [...readme.matchAll(/^\| `--([\w-]+)/gm)].map(([, name]) => name!)
  expect(named.filter((name) => name !== 'help').toSorted()).toEqual(described.toSorted())
})

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import frozen from '../src/contract-1.json' with { type: 'json' }
import type { Report } from '../src/index.ts'
import { caseReportOf } from '../src/report/report.ts'
import { compact, readCompact } from './reports/compact.ts'
import { FOLDER, keptOf, root, stores } from './reports/stores.ts'
import { overview, withTable } from './reports/tables.ts'

/** What to run where one of these fails. */
const AGAIN = 'run pnpm --filter @sess/conformance reports'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')

test('every store with a harness is in the list of stores, and only listed stores have a report', () => {
  const harnesses = globSync('packages/*/test/harness.ts', { cwd: root })
  expect(stores.map(({ harness }) => harness)).toEqual(expect.arrayContaining(harnesses))
  const reported = globSync('*.md', { cwd: join(root, FOLDER) })
  expect(reported.toSorted(), AGAIN).toEqual(
    ['README', ...stores.map(({ name }) => name)].map((name) => `${name}.md`).toSorted(),
  )
})

test.each(stores)('the kept report of $name shows a full run of the present contract', (store) => {
  const kept = keptOf(store)
  expect(kept?.verdict, AGAIN).toContain(` keeps the contract, version ${frozen.contract}`)
  expect(kept?.ids.toSorted(), AGAIN).toEqual(frozen.store.toSorted())
  expect(Object.keys(kept?.versions ?? {}), 'kit, adapter and Node.js').toEqual(
    expect.arrayContaining(['@sess/conformance', JSON.parse(read(`${store.folder}/package.json`)).name, 'node']),
  )
})

test('a kept report contains the results of its run', () => {
  const of = (name: string) =>
    ({ id: `clock/${name}`, clause: 'clock', layer: 'example', subject: 'store', text: '' }) as const
  const report: Report = {
    format: 1,
    contract: 1,
    kind: 'store',
    name: 'some: store',
    verdict: 'fail',
    complete: true,
    versions: { driver: '1.2.3 | beta', node: '24.0.0' },
    seed: 7,
    effort: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    durationMs: 1500,
    cases: [
      caseReportOf(of('a'), { status: 'pass' }, 1),
      caseReportOf(of('b'), { status: 'not-applicable', evidence: 'it has | none' }, 1),
      caseReportOf(of('c'), { status: 'pass' }, 1),
      caseReportOf(
        of('d'),
        {
          status: 'deviates',
          error: new Error('no'),
          steps: [],
          replay: '',
          deviation: { reason: 'known', issue: '#1' },
        },
        1,
      ),
      caseReportOf(of('e'), { status: 'fail', error: new Error('a record\nwas lost'), steps: [], replay: '' }, 1),
    ],
  }
  const text = compact(report)
  expect(text).toContain('| `clock/e` | a record was lost |')
  const { ids, ...rest } = readCompact(text)
  expect(ids.toSorted()).toEqual(['clock/a', 'clock/b', 'clock/c', 'clock/d', 'clock/e'])
  expect(rest).toEqual({
    verdict: 'some: store breaks the contract.',
    counts: '2 passed, 1 failed, 1 deviates as listed, 1 not applicable',
    versions: report.versions,
    deviations: ['clock/d'],
  })
  expect(() => readCompact('# another page')).toThrow('no report of the kit')
})

test('the tables in the documents equal the tables made from the reports', () => {
  expect(read(`${FOLDER}/README.md`), AGAIN).toBe(overview())
  expect(read('README.md'), AGAIN).toBe(withTable(read('README.md')))
})

test('no report contains a path of the machine that it was made on', () => {
  const files = globSync(`${FOLDER}/*`, { cwd: root })
  expect(files.length).toBeGreaterThanOrEqual(stores.length)
  for (const file of files) {
    expect(read(file), file).not.toMatch(/file:\/\/|\/(home|root|tmp|Users|var|work)\//)
    expect(read(file).includes(root), file).toBe(false)
  }
})

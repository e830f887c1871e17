import { globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import frozen from '../src/contract-1.json' with { type: 'json' }
import { FOLDER, reportOf, root, stores } from './reports/stores.ts'
import { overview, withTable } from './reports/tables.ts'

/** What to run where one of these fails. */
const AGAIN = 'run pnpm --filter @sess/conformance reports'

const read = (file: string): string => readFileSync(join(root, file), 'utf8')

test('every store that has a harness is in the list, and nothing else has a report', () => {
  const harnesses = globSync('packages/*/test/harness.ts', { cwd: root })
  expect(stores.map(({ harness }) => harness)).toEqual(expect.arrayContaining(harnesses))
  const reported = globSync('*/report.json', { cwd: join(root, FOLDER) })
  expect(reported.toSorted(), AGAIN).toEqual(stores.map(({ name }) => join(name, 'report.json')).toSorted())
})

test.each(stores)('$name has kept the whole contract of today', (store) => {
  const report = reportOf(store)!
  expect(report, AGAIN).toMatchObject({ verdict: 'pass', complete: true, contract: frozen.contract })
  expect(
    report.cases.map(({ id }) => id),
    AGAIN,
  ).toEqual(frozen.store)
  expect(Object.keys(report.versions), 'kit, adapter and Node.js').toEqual(
    expect.arrayContaining(['@sess/conformance', JSON.parse(read(`${store.folder}/package.json`)).name, 'node']),
  )
})

test('the tables are what follows from the reports', () => {
  expect(read(`${FOLDER}/README.md`), AGAIN).toBe(overview())
  expect(read('README.md'), AGAIN).toBe(withTable(read('README.md')))
})

test('no report holds a path of the machine that it was made on', () => {
  const files = globSync(`${FOLDER}/**/*`, { cwd: root }).filter((file) => statSync(join(root, file)).isFile())
  expect(files.length).toBeGreaterThanOrEqual(5 * stores.length)
  for (const file of files) {
    expect(read(file), file).not.toMatch(/file:\/\/|\/(home|root|tmp|Users|var|work)\//)
    expect(read(file).includes(root), file).toBe(false)
  }
})

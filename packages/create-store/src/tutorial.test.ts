import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { Report } from '@sess/conformance'
import { create, kit, link, types, vitest } from '../test/laid-out.ts'

const temporary = mkdtempSync(join(tmpdir(), 'sess-tutorial-'))
const folder = join(temporary, 'my-store')
afterAll(() => rmSync(temporary, { recursive: true }))

/** What says that a method is missing: in the message, or among the calls that led to it. */
const RED = /is not written yet: see src\/my-store\.ts|the store answered none of these calls/
/** What holds without a single answer of the store. */
const HOLDS = ['rotation-login/rotation-of-unsaved', 'life-cycle/traits', 'life-cycle/methods-claimed']

test(
  'a new package fails every case, and passes once the store of the tutorial is written',
  { timeout: 600_000 },
  async () => {
    expect(await create(temporary, 'my-store')).toMatchObject({ code: 0 })
    link(folder)
    expect(await types(folder)).toEqual({ code: 0, output: '' })

    expect(await kit(folder, '--report', 'report')).toMatchObject({ code: 1 })
    const { cases } = JSON.parse(readFileSync(join(folder, 'report/report.json'), 'utf8')) as Report
    expect(cases.filter(({ status }) => status === 'pass').map(({ id }) => id)).toEqual(HOLDS)
    const failed = cases.filter(({ status }) => status === 'fail')
    for (const { id, failure } of failed) expect(JSON.stringify(failure), id).toMatch(RED)
    expect(new Set(cases.map(({ status }) => status))).toEqual(new Set(['pass', 'fail', 'not-applicable']))

    const red = (await vitest(folder)).filter(({ status }) => status === 'failed')
    for (const { title, failureMessages } of red) expect(failureMessages.join('\n'), title).toMatch(RED)
    expect(red.map(({ title }) => title)).toEqual(failed.map(({ id, text }) => `${id}: ${text}`))

    copyFileSync(
      fileURLToPath(new URL('../test/solution/my-store.ts', import.meta.url)),
      join(folder, 'src/my-store.ts'),
    )
    expect(await types(folder)).toEqual({ code: 0, output: '' })
    const green = await vitest(folder)
    expect(green.filter(({ status }) => status === 'failed')).toEqual([])
    expect(green.filter(({ status }) => status === 'passed').length).toBeGreaterThan(150)
    expect(green).toHaveLength(cases.length + 1) // and that the harness is sound
  },
)

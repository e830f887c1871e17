import { expect, test } from 'vitest'
import { Progress } from './progress.ts'
import { caseReportOf } from './report/report.ts'

function shown(isTTY: boolean): string {
  let text = ''
  const progress = new Progress({ isTTY, columns: 40, write: (part) => (text += part) })
  for (const [i, id] of ['identity/one', 'identity/two', 'races/of-a-name-that-is-long'].entries()) {
    progress.start(id, i, 3)
    const about = { id, clause: 'identity', layer: 'example', subject: 'store', text: '' } as const
    progress.end(caseReportOf(about, i === 1 ? { status: 'not-applicable', evidence: '' } : { status: 'pass' }, 1))
  }
  progress.done()
  return text.replaceAll(/\d\.\d s/g, 'T')
}

test('progress prints a line for each clause', () => {
  expect(shown(false)).toBe('identity        ·–  T\nraces           ·  T\n')
})

test('on a terminal progress shows the running case on a line that never wraps', () => {
  expect(shown(true).split('\r\u001B[K').slice(1)).toEqual([
    'identity          1 of 3: identity/one',
    'identity        ·  2 of 3: identity/two',
    'identity        ·–  T\n',
    'races             3 of 3: races/of-a-na',
    'races           ·  T\n',
  ])
})

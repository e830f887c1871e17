import { rm } from 'node:fs/promises'
import { isSessError, SessError, type memoryStore } from '@sess/core'
import { afterAll, expect, test } from 'vitest'
import { writeMutant } from '../../packages/core/test/explorer/mutate.ts'
import { runSuite } from '../src/index.ts'
import { textReport } from '../src/report/text.ts'
import { harness } from './memory-harness.ts'

const COPIES = new URL(`../../.cache/two-cores/${process.pid}/`, import.meta.url)

afterAll(() => rm(COPIES, { recursive: true, force: true }))

test('the kit recognises the errors of a store from another copy of core by their brand, and reports the two copies', async () => {
  const folder = await writeMutant({ name: 'whole', file: 'error.ts', edits: [] }, COPIES)
  const other = (await import(/* @vite-ignore */ new URL('index.ts', folder).href)) as {
    readonly memoryStore: typeof memoryStore
  }
  const store = other.memoryStore()
  await store.close!()
  const error: unknown = await store
    .read({ tag: 'a'.repeat(12), id: 'b'.repeat(16) }, 1)
    .catch((thrown: unknown) => thrown)
  expect([isSessError(error, 'store_unavailable'), error instanceof SessError]).toEqual([true, false])

  const only = ['round-trip/too-large', 'faults/*', 'life-cycle/*', 'races/history-of-clients']
  const report = await runSuite(
    {
      name: 'another core',
      open: async () => {
        const opened = other.memoryStore()
        return { store: opened, connect: async () => opened, close: async () => opened.close?.() }
      },
    },
    { only, effort: 0.2 },
  )
  expect(report.cases.filter(({ status }) => status !== 'pass' && status !== 'not-applicable')).toEqual([])
  expect(report.notes).toEqual([expect.stringContaining('have each a copy of @sess/core')])
  expect(textReport(report)).toContain('Note: the store and the kit have each a copy of @sess/core')

  expect(await runSuite(harness, { only: ['round-trip/missing'] })).not.toHaveProperty('notes')
})

import { memoryStore, type SessionStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import frozen from './contract-1.json' with { type: 'json' }
import { named, quickCases } from './quick.ts'
import { cases, runCase, serializerCases, type Harness, type Result } from './index.ts'

const harnessOf = (make: () => SessionStore): Harness => ({
  name: 'mutant',
  open: async () => {
    const store = make()
    return { store, connect: async () => store, close: async () => {} }
  },
})

test('the cases are those of version 1 of the contract, in its order', () => {
  const ids = (items: readonly { id: string }[]) => items.map(({ id }) => id)
  expect({ contract: 1, store: ids(cases), serializer: ids(serializerCases) }).toEqual(frozen)
})

test('each case is one sentence, and its ID begins with its clause', () => {
  for (const { id, clause, text } of [...cases, ...serializerCases]) {
    expect(id).toMatch(new RegExp(`^${clause}/[a-z-]+$`))
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
})

test('a quick run covers every clause, and its list names only cases of the contract', () => {
  expect(cases.map(({ id }) => id)).toEqual(expect.arrayContaining([...named]))
  const clausesOf = (ids: readonly string[]): Set<string> => new Set(ids.map((id) => id.split('/')[0]!))
  expect(clausesOf(quickCases)).toEqual(clausesOf(cases.map(({ id }) => id)))
})

describe('a broken harness is reported as a harness error, not as a broken store', () => {
  const store = memoryStore()
  const space = { store, connect: async () => store, close: async () => {} }
  test.each<[string, Harness['open']]>([
    ['throws at open', () => Promise.reject(new Error('no server'))],
    ['opens rubbish', async () => ({}) as never],
    ['throws at close', async () => ({ ...space, close: () => Promise.reject(new Error('busy')) })],
  ])('%s', async (_, open) => {
    expect(await runCase(cases[0]!, { name: 'broken', open })).toMatchObject({ status: 'harness-error' })
  })
})

test('a case on an optional ability that the store lacks is not applicable, with the evidence', async () => {
  const plain = (): SessionStore => {
    const store = memoryStore()
    return {
      name: 'plain',
      traits: store.traits,
      read: (key, now) => store.read(key, now),
      create: (key, record, now) => store.create(key, record, now),
      replace: (key, expected, record, now) => store.replace(key, expected, record, now),
      touch: (key, expected, expiresAt, now) => store.touch(key, expected, expiresAt, now),
      delete: (key, now) => store.delete(key, now),
    }
  }
  const results: [string, Result][] = []
  // The cases run one after another, because a case looks at the timers of this process.
  for (const item of cases) results.push([item.id, await runCase(item, harnessOf(plain))])
  expect(results.filter(([, { status }]) => status === 'fail')).toEqual([])
  const without = results.filter(([, { status }]) => status === 'not-applicable').map(([id]) => id)
  expect(without).toContain('subjects/list')
  expect(without).toContain('clock/sweep-takes-expired-alone')
  expect(without).toContain('races/increments-of-processes')
})

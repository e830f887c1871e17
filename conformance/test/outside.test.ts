import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { cases, runCase, type Harness } from '../src/index.ts'
import { harness as keyv } from './outside/keyv.ts'
import { harness as memorystore } from './outside/memorystore.ts'

async function failures(harness: Harness, ids: readonly string[]): Promise<string[]> {
  const failed: string[] = []
  for (const id of ids) {
    const { status } = await runCase(
      cases.find((item) => item.id === id)!,
      harness,
      { seed: 1, patience: 5000 },
    )
    if (status === 'fail') failed.push(id)
  }
  return failed
}

/** What a store that saves without looking cannot keep. */
const BLIND = [
  'identity/create-is-exclusive',
  'round-trip/replace-conflict',
  'round-trip/missing',
  'races/two-replaces',
  'races/replace-never-creates',
  'races/increments',
  'races/logout-wins',
  'races/told-of-logout',
  'races/disjoint-keys',
  'races/updates',
  'rotation-login/parallel-rotations',
  'rotation-login/write-after-rotation',
]

/** What a store that looks before it saves, and cannot do both at once, breaks. */
const CHECK_THEN_ACT = [
  'identity/racing-creates',
  'races/two-replaces',
  'races/increments',
  'races/delete-meets-replace',
  'races/delete-meets-touch',
  'races/history-of-clients',
]

test('memorystore, which saves without a comparison, loses writes and revives deleted sessions', async () => {
  expect(await failures(memorystore, BLIND)).toEqual(BLIND)
  expect(await failures(memorystore, ['round-trip/every-byte', 'round-trip/empty-payload'])).toEqual([])
})

test('keyv, with every check that a caller can add, loses one of two simultaneous writes', async () => {
  expect(await failures(keyv, CHECK_THEN_ACT)).toEqual(CHECK_THEN_ACT)
  expect(await failures(keyv, ['round-trip/model', 'clock/model', 'races/stale-replace'])).toEqual([])
})

test('docs/outside-stores.md lists the cases that both stores fail', async () => {
  const text = await readFile(new URL('../../docs/outside-stores.md', import.meta.url), 'utf8')
  for (const id of [...BLIND, ...CHECK_THEN_ACT]) expect(text).toContain(`| ${id} `)
})

import { readFile } from 'node:fs/promises'
import { createSessions } from '@sess/core'
import { afterAll, describe, expect, test } from 'vitest'
import { cases, runCase, serializerCases } from '../src/index.ts'
import { edition } from './mutants/matrix.ts'
import { bases, editedCore, removeCopies, sound, trials } from './mutants/trials.ts'

const PATIENCE = 600_000

afterAll(removeCopies)

describe('a mutant fails the cases that it names', () => {
  test.each(trials)('$kind: $name', { timeout: PATIENCE }, async ({ killedBy, run }) => {
    expect(killedBy).not.toEqual([])
    for (const id of killedBy) {
      const result = await run(id)
      expect(result, id).toMatchObject({ status: 'fail' })
      // By the fault, and not because the store that the mutant is made of refuses what the fault has made of a record.
      expect(result.error, id).not.toMatchObject({ code: 'invalid_option' })
    }
  })
})

test('for each case there is a mutant that names it and that it kills', () => {
  const named = new Set(trials.flatMap(({ killedBy }) => killedBy))
  expect([...cases, ...serializerCases].map(({ id }) => id).filter((id) => !named.has(id))).toEqual([])
})

test('there are mutants of each kind, and their names are unique', () => {
  expect(new Set(trials.map(({ name }) => name)).size).toBe(trials.length)
  expect(new Set(trials.map(({ kind }) => kind.split(':')[0]))).toEqual(new Set(['store', 'serializer', 'core']))
})

test(
  'the bases of the mutants pass every case: the sound store, and a copy of core without an edit',
  { timeout: PATIENCE },
  async () => {
    // Of a file that half of core imports, and so is copied with it.
    const copy = await editedCore({ name: 'whole', file: 'record.ts', edits: [] })
    for (const item of cases)
      for (const create of item.subject === 'sessions' ? [copy] : [createSessions])
        expect(await runCase(item, sound, { createSessions: create, effort: 0.2 }), item.id).toMatchObject({
          status: expect.stringMatching(/^(pass|not-applicable)$/) as string,
        })
  },
)

// All cases pass on the first of them in src/faults.test.ts, which runs the whole kit on it.
test.each(bases.filter(({ name }) => name !== 'one request a call'))(
  'what the mutants are made of is sound: $name, in the cases that its mutants name',
  { timeout: PATIENCE },
  async ({ harness, mutants }) => {
    for (const id of new Set(mutants.flatMap(({ killedBy }) => killedBy))) {
      const item = cases.find((each) => each.id === id)!
      expect(await runCase(item, harness), id).toMatchObject({ status: 'pass' })
    }
  },
)

test('docs/kill-matrix.md was made with these mutants and cases, and contains every kill that a mutant names', async () => {
  const text = await readFile(new URL('../../docs/kill-matrix.md', import.meta.url), 'utf8')
  expect(text, 'run pnpm --filter @sess/conformance kill-matrix').toContain(edition(trials))
  expect(text).not.toContain('**not ')
})

import assert from 'node:assert/strict'
import type { SessError } from '@sess/core'
import type { Case } from '../../contract.ts'
import { all, clause, keyOf, stored } from '../../case-parts/case.ts'

const store = clause('life-cycle', 'store')
const sessions = clause('life-cycle', 'sessions')

/** Cases on the traits of a store. The cases of other clauses try the sizes and times that the traits claim. */
export const traits: readonly Case[] = [
  store('traits', 'The traits are frozen and sound.', async ({ store: it }) => {
    const { traits: claims } = it
    assert.ok(Object.isFrozen(claims), 'traits must be frozen')
    assert.ok(Number.isInteger(claims.maxPayloadBytes) && claims.maxPayloadBytes >= 1024, 'maxPayloadBytes')
    assert.ok(Number.isInteger(claims.expiryResolutionMs) && claims.expiryResolutionMs >= 1, 'expiryResolutionMs')
    assert.ok(Number.isInteger(claims.staleMs) && claims.staleMs >= 0, 'staleMs')
    assert.equal(typeof claims.needsPepper, 'boolean')
    assert.match(it.name, /^[a-z][a-z0-9-]*$/)
  }),
  store(
    'methods-claimed',
    'A store has the five methods, and of the others those alone that it can do.',
    async ({ store: it, now }) => {
      for (const name of ['read', 'create', 'replace', 'touch', 'delete'] as const)
        assert.equal(typeof it[name], 'function', name)
      const nobody = { id: 'nobody', tag: 'nobody-at-al' }
      const tries = {
        list: () => all(it.list!(nobody, now)),
        all: () => all(it.all!(now)),
        deleteSubject: () => all(it.deleteSubject!(nobody, now)),
        count: () => all(it.count!(now)),
        sweep: () => all(it.sweep!(now)),
      }
      for (const [name, run] of Object.entries(tries)) {
        if (!(name in it)) continue
        assert.equal(typeof it[name as keyof typeof tries], 'function', `${name} is there, and is no method`)
        await run().catch((error: unknown) => {
          assert.notEqual((error as SessError).code, 'unsupported', `${name}() is there, and says that it cannot`)
          throw error
        })
      }
      assert.ok(!it.list || it.deleteSubject, 'a store that lists a subject’s sessions must be able to end them')
    },
  ),
  store(
    'traits-are-constant',
    'The traits are the same for every client, and for the life of the store.',
    async ({ store: it, space, key, record, now }) => {
      const before = { ...it.traits }
      const at = key()
      await it.create(at, record({ subject: 'ann' }), now)
      await it.read(at, now)
      const other = await space.connect()
      assert.deepEqual([{ ...it.traits }, { ...other.traits }, other.name], [before, before, it.name])
    },
  ),
  sessions(
    'needs-pepper',
    'Where the tag alone decides on the shard sessions insist on a pepper, which moves the tags; elsewhere they do without.',
    async ({ sessions: open, store: it, now }) => {
      const plain = (): unknown => open({ now }, it, { pepper: [] })
      if (it.traits.needsPepper) assert.throws(plain, { code: 'invalid_option', message: /pepper/ })
      else plain()
      const [one, other] = ['one', 'other'].map((word) =>
        open({ now }, it, { pepper: `${word} pepper of sixteen bytes` }),
      )
      const [first, second] = [await stored(one!, {}, 'ann'), await stored(other!, {}, 'ann')]
      assert.notEqual(keyOf(first).tag, keyOf(second).tag)
    },
  ),
]

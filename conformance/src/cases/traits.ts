import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { clause, keyOf, stored } from './case.ts'

const store = clause('life-cycle', 'store')
const sessions = clause('life-cycle', 'sessions')

/** What a store says of itself, and whether that is so. The sizes and times that it claims are tried where they belong. */
export const traits: readonly Case[] = [
  store('traits', 'The traits are frozen and sound.', async ({ store: it }) => {
    const { traits: claims } = it
    assert.ok(Object.isFrozen(claims), 'traits must be frozen')
    assert.ok(Number.isInteger(claims.maxPayloadBytes) && claims.maxPayloadBytes >= 1024, 'maxPayloadBytes')
    assert.ok(Number.isInteger(claims.expiryResolutionMs) && claims.expiryResolutionMs >= 1, 'expiryResolutionMs')
    assert.ok(Number.isInteger(claims.staleMs) && claims.staleMs >= 0, 'staleMs')
    assert.deepEqual([typeof claims.tagIsShard, typeof claims.count], ['boolean', 'boolean'])
    assert.ok(['list', 'revoke', 'none'].includes(claims.subjects), 'subjects')
    assert.ok(['native', 'sweep'].includes(claims.expiry), 'expiry')
    assert.match(it.name, /^[a-z][a-z0-9-]*$/)
  }),
  store(
    'methods-claimed',
    'A store has the methods that its traits name, and none of those that they do not.',
    async ({ store: it }) => {
      const { traits: claims } = it
      for (const name of ['read', 'create', 'replace', 'touch', 'delete'] as const)
        assert.equal(typeof it[name], 'function', name)
      for (const [name, claim] of [
        ['list', claims.subjects === 'list'],
        ['deleteSubject', claims.subjects !== 'none'],
        ['count', claims.count],
        ['sweep', claims.expiry === 'sweep'],
      ] as const)
        assert.equal(typeof it[name] === 'function', claim, `${name}(): ${claim ? 'over' : 'under'}-claimed`)
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
    'tag-is-shard',
    'Where the tag alone decides on the shard sessions insist on a pepper, which moves the tags; elsewhere they do without.',
    async ({ sessions: open, store: it, now }) => {
      const plain = (): unknown => open({ now }, it, { pepper: [] })
      if (it.traits.tagIsShard) assert.throws(plain, { code: 'invalid_option', message: /pepper/ })
      else plain()
      const [one, other] = ['one', 'other'].map((word) =>
        open({ now }, it, { pepper: `${word} pepper of sixteen bytes` }),
      )
      const [first, second] = [await stored(one!, {}, 'ann'), await stored(other!, {}, 'ann')]
      assert.notEqual(keyOf(first).tag, keyOf(second).tag)
    },
  ),
]

import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { clause, processes } from './case.ts'

const store = clause('life-cycle', 'store')

/** What a store is, from its making to its close. */
export const lifeCycle: readonly Case[] = [
  store('traits', 'The traits are frozen, sound, and name no method that is not there.', async ({ store: it }) => {
    const { traits } = it
    assert.ok(Object.isFrozen(traits), 'traits must be frozen')
    assert.ok(Number.isInteger(traits.maxPayloadBytes) && traits.maxPayloadBytes >= 1024, 'maxPayloadBytes')
    assert.ok(Number.isInteger(traits.expiryResolutionMs) && traits.expiryResolutionMs >= 1, 'expiryResolutionMs')
    assert.ok(Number.isInteger(traits.staleMs) && traits.staleMs >= 0, 'staleMs')
    assert.deepEqual([typeof traits.tagIsShard, typeof traits.count], ['boolean', 'boolean'])
    assert.match(it.name, /^[a-z][a-z0-9-]*$/)
    assert.equal(traits.subjects === 'list', it.list !== undefined, 'list()')
    assert.equal(traits.subjects !== 'none', it.deleteSubject !== undefined, 'deleteSubject()')
    assert.equal(traits.count, it.count !== undefined, 'count()')
    assert.equal(traits.expiry === 'sweep', it.sweep !== undefined, 'sweep()')
  }),
  store(
    'close',
    'Close is idempotent; afterwards every method rejects with store_unavailable, and other clients go on.',
    async ({ store: it, space, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      const other = await space.connect()
      await other.close!()
      await other.close!()
      const closed = { code: 'store_unavailable' }
      await assert.rejects(other.read(at, now), closed)
      await assert.rejects(other.create(key(), record(), now), closed)
      await assert.rejects(other.replace(at, record({ revision: 2 }), record(), now), closed)
      await assert.rejects(other.touch(at, now + 90_000, record(), now), closed)
      await assert.rejects(other.delete(at, now), closed)
      if (other !== it) assert.ok(await it.read(at, now))
    },
    ({ store: it }) => (it.close ? undefined : 'the store has no close(): it opens nothing'),
  ),
  store(
    'process-ends',
    'A process that has used the store and closed its client ends by itself.',
    async ({ store: it, key, record, now, processes: run }) => {
      const at = key()
      await it.create(at, record(), now)
      assert.deepEqual(await run(1, { kind: 'read', key: at, now }), [true])
    },
    processes,
  ),
]

import assert from 'node:assert/strict'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, clause, counts, listed, listsAll, revokes, same, sweeps, textOf } from '../../case-parts/case.ts'
import { strikes } from '../../case-parts/trouble.ts'

const store = clause('identity', 'store')

/** How many requests of a call are disturbed at most. */
const MOST_REQUESTS = 10

/** Cases on the identity of records: keys and namespaces. */
export const identity: readonly Case[] = [
  store(
    'create-is-exclusive',
    'Create on a live key answers false and leaves the record as it is.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const first = record({ payload: Buffer.from('first') })
      assert.equal(await it.create(at, first, now), true)
      assert.equal(await it.create(at, record({ payload: Buffer.from('second'), expiresAt: now + 90_000 }), now), false)
      assert.equal(await it.create(at, { ...first }, now), false, 'the same record once more')
      const read = await it.read(at, now)
      same(read, first, it)
    },
  ),
  store(
    'racing-creates',
    'Of two creates of one key at once, from two clients or from one, one wins.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(20); i++) {
        const at = key()
        const answers = await Promise.all([
          it.create(at, record({ payload: Buffer.from('a') }), now),
          (i % 4 ? other : it).create(at, record({ payload: Buffer.from('b') }), now),
        ])
        assert.equal(answers.filter(Boolean).length, 1)
        assert.equal(textOf(await it.read(at, now)), answers[0] ? 'a' : 'b')
      }
    },
  ),
  store(
    'late-create-over-expired',
    'Of two creates over an expired record one wins, whichever request of theirs arrives late.',
    async (context) => {
      const { space, key, record, now } = context
      const { store: it, faults } = context.faulty('late')
      const other = await space.connect()
      const later = now + 2000
      for (let after = 0; after < MOST_REQUESTS; after++) {
        const at = key()
        await other.create(at, record({ expiresAt: now + 1000 }), now)
        const { struck } = faults
        faults.inject('late', { ms: 100, after })
        const mine = it.create(at, record({ payload: Buffer.from('mine'), expiresAt: later + 60_000 }), later)
        const isLate = await strikes(faults, struck, mine)
        const theirs = await other.create(
          at,
          record({ payload: Buffer.from('theirs'), expiresAt: later + 60_000 }),
          later,
        )
        const isMine = await mine
        assert.deepEqual([isMine, theirs], isMine ? [true, false] : [false, true])
        assert.equal(textOf(await other.read(at, later, { fresh: true })), isMine ? 'mine' : 'theirs')
        if (!isLate) break
      }
      await faults.heal()
    },
  ),
  store('case-matters', 'Keys that differ in case alone are two keys.', async ({ store: it, record, now }) => {
    const lower = { tag: 'abcdefghijkl', id: 'abcdefghijklmnop' }
    const upper = { tag: 'ABCDEFGHIJKL', id: 'ABCDEFGHIJKLMNOP' }
    await it.create(lower, record(), now)
    for (const at of [upper, { ...lower, tag: upper.tag }, { ...lower, id: upper.id }])
      assert.equal(await it.read(at, now), undefined)
    assert.equal(await it.create(upper, record(), now), true)
  }),
  store(
    'both-parts',
    'Tag and id both name a record: the same id under another tag is another.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      assert.equal(await it.read({ ...key(), id: at.id }, now), undefined)
      assert.equal(await it.delete({ ...key(), id: at.id }, now), false)
      assert.ok(await it.read(at, now))
    },
  ),
  store(
    'any-alphabet',
    'Every base64url character may stand in a key, and means itself.',
    async ({ store: it, record, now }) => {
      const keys = ['------------', '____________', '0123456789-_', '-_-_-_-_-_-_'].map((tag) => ({
        tag,
        id: `_${tag}_--`.padEnd(16, '-'),
      }))
      for (const at of keys)
        assert.equal(await it.create(at, record({ payload: Buffer.from(at.tag + at.id) }), now), true)
      for (const at of keys) assert.equal(textOf(await it.read(at, now)), at.tag + at.id)
    },
  ),
  store(
    'namespaces',
    'A record of one namespace cannot be read, written, moved or deleted in another.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        const at = key()
        await it.create(at, record(), now)
        assert.equal(await other.store.read(at, now), undefined)
        assert.equal(await other.store.replace(at, asExpected(record()), record({ revision: 2 }), now), 'missing')
        assert.equal(await other.store.touch(at, asExpected(record()), now + 90_000, now), 'missing')
        assert.equal(await other.store.delete(at, now), false)
        same(await it.read(at, now, { fresh: true }), record(), it)
        assert.equal(await other.store.create(at, record({ payload: Buffer.from('other') }), now), true)
        same(await it.read(at, now, { fresh: true }), record(), it)
      } finally {
        await other.close()
      }
    },
  ),
  store(
    'namespaces-of-subjects',
    'A subject’s sessions in one namespace are neither listed nor revoked in another.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        const at = key()
        const ann = { id: 'ann', tag: at.tag }
        await it.create(at, record({ subject: 'ann' }), now)
        if (other.store.list) assert.deepEqual(await listed(other.store, ann, now), [])
        assert.equal((await sum(other.store.deleteSubject!(ann, now))) ?? 0, 0)
        assert.ok(await it.read(at, now, { fresh: true }))
      } finally {
        await other.close()
      }
    },
    revokes,
  ),
  store(
    'namespaces-listed',
    'A list of all sessions is of one namespace.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        const at = key()
        await it.create(at, record(), now)
        assert.deepEqual(await all(other.store.all!(now)), [])
        assert.deepEqual(
          (await all(it.all!(now))).map(([found]) => found),
          [at],
        )
      } finally {
        await other.close()
      }
    },
    listsAll,
  ),
  store(
    'namespaces-counted',
    'A count is of one namespace.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        await it.create(key(), record(), now)
        assert.deepEqual([await sum(it.count!(now)), await sum(other.store.count!(now))], [1, 0])
      } finally {
        await other.close()
      }
    },
    counts,
  ),
  store(
    'namespaces-swept',
    'A sweep is of one namespace.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        await it.create(key(), record({ expiresAt: now - 60_000 }), now - 120_000)
        assert.deepEqual([await sum(other.store.sweep!(now)), await sum(it.sweep!(now))], [0, 1])
      } finally {
        await other.close()
      }
    },
    sweeps,
  ),
]

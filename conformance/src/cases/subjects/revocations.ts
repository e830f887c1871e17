import assert from 'node:assert/strict'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { clause, listed, revokes, settled, subjectOf } from '../../case-parts/case.ts'

const store = clause('subjects', 'store')

/** Cases on revocations, which end all sessions of a subject. */
export const revocations: readonly Case[] = [
  store(
    'revoke-all',
    'Revoking a subject deletes all its records, for every client, and says how many where it can.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const keys = Array.from({ length: 150 }, () => key(ann.tag))
      for (const at of keys) await it.create(at, record({ subject: 'ann' }), now)
      const other = await space.connect()
      const count = await sum(other.deleteSubject!(ann, now))
      assert.ok(count === undefined || count === 150, `it says that ${count} went`)
      for (const at of keys) assert.equal(await it.read(at, now, { fresh: true }), undefined)
      assert.ok([0, undefined].includes(await sum(it.deleteSubject!(ann, now))))
    },
    revokes,
  ),
  store(
    'revoke-except',
    'Revoking spares the record that is excepted, and it can be written on; the next revocation spares what it says itself.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [here, there] = [key(ann.tag), key(ann.tag)]
      for (const at of [here, there]) await it.create(at, record({ subject: 'ann' }), now)
      await sum(it.deleteSubject!(ann, now, here))
      const read = await it.read(here, now, { fresh: true })
      assert.deepEqual([await it.read(there, now, { fresh: true }), !!read], [undefined, true])
      assert.equal(await it.replace(here, read!, { ...read!, revision: 2 }, now), 'replaced')
      await sum(it.deleteSubject!(ann, now, key(ann.tag)))
      assert.equal(await it.read(here, now, { fresh: true }), undefined)
      for (const at of [here, there]) await it.create(at, record({ subject: 'ann' }), now)
      await sum(it.deleteSubject!(ann, now, here))
      await sum(it.deleteSubject!(ann, now))
      assert.equal(await it.read(here, now, { fresh: true }), undefined, 'it spared what the one before had spared')
    },
    revokes,
  ),
  store(
    'excepted-stays',
    'The record that is excepted is there at every moment of a revocation, and after a revocation that is left early.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const kept = key(ann.tag)
      await it.create(kept, record({ subject: 'ann' }), now)
      for (const isLeft of [false, true]) {
        for (let i = 0; i < 120; i++) await it.create(key(ann.tag), record({ subject: 'ann' }), now)
        for await (const _ of it.deleteSubject!(ann, now, kept)) {
          assert.ok(await other.read(kept, now, { fresh: true }), 'it is missing after a page')
          if (isLeft) break
        }
        await settled()
        assert.ok(await other.read(kept, now, { fresh: true }), 'it is missing afterwards')
      }
    },
    revokes,
  ),
  store(
    'revoked-stays-dead',
    'A replace and a touch of a revoked record are missing; a new sign-in afterwards lives, by a slower clock too.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      await it.create(at, record({ subject: 'ann' }), now)
      const read = (await it.read(at, now))!
      await sum(it.deleteSubject!(ann, now))
      assert.equal(await it.replace(at, read, { ...read, revision: 2 }, now), 'missing')
      assert.equal(await it.touch(at, read, now + 90_000, now), 'missing')
      for (const slowerByMs of [0, 500]) {
        const next = key(ann.tag)
        assert.equal(await it.create(next, record({ subject: 'ann' }), now - slowerByMs), true)
        assert.ok(await it.read(next, now), `a clock that is ${slowerByMs} ms slower`)
      }
    },
    revokes,
  ),
  store(
    'revoke-begins-when-asked',
    'A revocation does nothing before its first step is asked for.',
    async (context) => {
      const { store: it, key, record, now, rounds } = context
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      await it.create(at, record({ subject: 'ann' }), now)
      const pages = it.deleteSubject!(ann, now)
      // A revocation that had begun at the call would be done before these reads are answered.
      for (let i = 0; i < rounds(20); i++) {
        await settled()
        assert.ok(await it.read(at, now, { fresh: true }), 'it began when it was called')
      }
      await sum(pages)
      assert.equal(await it.read(at, now, { fresh: true }), undefined)
    },
    revokes,
  ),
  store(
    'revoke-past-other-tags',
    'Revoking asks under one tag: the same subject under another tag is not touched.',
    async (context) => {
      const { store: it, key, record, now } = context
      const [one, two] = [key(), key()]
      for (const at of [one, two]) await it.create(at, record({ subject: 'ann' }), now)
      await sum(it.deleteSubject!({ id: 'ann', tag: one.tag }, now))
      assert.deepEqual(
        [await it.read(one, now, { fresh: true }), !!(await it.read(two, now, { fresh: true }))],
        [undefined, true],
      )
    },
    revokes,
  ),
  store(
    'revoke-meets-create',
    'A session that is created while its subject is revoked is whole or gone; the next revocation ends it.',
    async (context) => {
      const { store: it, space, key, record, now, rounds } = context
      const other = await space.connect()
      for (let i = 0; i < rounds(20); i++) {
        const ann = subjectOf(context, 'ann')
        const keys = [key(ann.tag), key(ann.tag), key(ann.tag)]
        await it.create(keys[0]!, record({ subject: 'ann' }), now)
        const [first, , second] = await Promise.all([
          it.create(keys[1]!, record({ subject: 'ann' }), now),
          sum(other.deleteSubject!(ann, now)),
          it.create(keys[2]!, record({ subject: 'ann' }), now),
        ])
        assert.deepEqual([first, second, await it.read(keys[0]!, now, { fresh: true })], [true, true, undefined])
        const left: string[] = []
        for (const at of keys) if (await it.read(at, now, { fresh: true })) left.push(at.id)
        if (it.list) assert.deepEqual(await listed(it, ann, now), left.toSorted())
        await sum(other.deleteSubject!(ann, now))
        for (const at of keys) assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
    },
    revokes,
  ),
  store(
    'revoke-meets-replace',
    'However a revocation and replaces fall together, the record is gone once the revocation is acknowledged.',
    async (context) => {
      const { store: it, space, key, record, now, rounds } = context
      const other = await space.connect()
      for (let i = 0; i < rounds(20); i++) {
        const ann = subjectOf(context, 'ann')
        const at = key(ann.tag)
        await it.create(at, record({ subject: 'ann' }), now)
        const read = (await it.read(at, now))!
        const replace = () => it.replace(at, read, { ...read, revision: 2 }, now)
        const before = i % 2 ? [replace()] : []
        const revoked = sum(other.deleteSubject!(ann, now))
        const answers = await Promise.all([...before, replace()])
        for (const answer of answers) assert.ok(['replaced', 'conflict', 'missing'].includes(answer), answer)
        await revoked
        await settled()
        assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
    },
    revokes,
  ),
  store(
    'seen-within-the-bound',
    'A revocation, delete or replace by one client is seen by another: at once in a fresh read, and in any read after staleMs.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const { staleMs } = it.traits
      const late = now + staleMs
      const [replaced, deleted, revoked] = [key(), key(), key()]
      const first = record({ subject: 'ann', expiresAt: late + 60_000 })
      for (const at of [replaced, deleted, revoked]) {
        await it.create(at, first, now)
        assert.equal((await other.read(at, now))?.revision, 1)
      }
      await it.replace(replaced, asExpected(first), { ...first, revision: 2 }, now)
      await it.delete(deleted, now)
      if (it.deleteSubject) await sum(it.deleteSubject({ id: 'ann', tag: revoked.tag }, now))
      else await it.delete(revoked, now)
      for (const [moment, fresh] of [
        [late, false],
        [now, true],
      ] as const) {
        assert.equal((await other.read(replaced, moment, { fresh }))?.revision, 2)
        for (const at of [deleted, revoked]) assert.equal(await other.read(at, moment, { fresh }), undefined)
      }
    },
  ),
]

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { SessionKey } from '@sess/core'
import { asExpected, GRACE_MS, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import {
  all,
  both,
  clause,
  counts,
  indexes,
  listed,
  lists,
  listsAll,
  revokes,
  subjectOf,
  textOf,
} from '../../case-parts/case.ts'

const store = clause('subjects', 'store')

/** How long the short sessions live, in ms. */
const SHORT_LIFE_MS = 600

/** Cases on the traces that a record leaves for later records and for its neighbours. */
export const leftBehind: readonly Case[] = [
  store(
    'create-over-of-another',
    'A create in the place of an expired record of another subject, or of none, belongs to its own subject alone.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const bob = { ...ann, id: 'bob' }
      const late = now + 60_000
      for (const [before, after] of [
        ['ann', 'bob'],
        ['ann', undefined],
        [undefined, 'bob'],
      ] as const) {
        const at = key(ann.tag)
        const of = (subject: string | undefined) => (subject === undefined ? {} : { subject })
        await it.create(at, record(of(before)), now)
        const second = record({ expiresAt: late + 60_000, payload: Buffer.from('second'), ...of(after) })
        assert.equal(await it.create(at, second, late), true)
        assert.deepEqual(await listed(it, ann, late), [], `of ${before}, then of ${after}`)
        assert.deepEqual(await listed(it, bob, late), after === 'bob' ? [at.id] : [], `of ${before}, then of ${after}`)
        if (it.deleteSubject) {
          assert.ok([0, undefined].includes(await sum(it.deleteSubject(ann, late))), 'who it was of before has none')
          assert.equal(textOf(await it.read(at, late, { fresh: true })), 'second', 'who it was of before revoked it')
          await sum(it.deleteSubject(bob, late))
          assert.equal((await it.read(at, late, { fresh: true })) === undefined, after === 'bob')
        }
        await it.delete(at, late)
      }
    },
    lists,
  ),
  store(
    'index-outlives-the-shortest',
    'A subject’s longest session stays listed, and is revoked, when shorter ones have ended that were created, replaced or touched after it.',
    async (context) => {
      const { store: it, key, record, now } = context
      // Servers that remove expired records by themselves go by their own time.
      const began = Math.max(now, Date.now())
      const [short, long] = [began + SHORT_LIFE_MS, began + 3_600_000]
      const first = record({ subject: 'ann', expiresAt: short })
      const next = { ...first, revision: 2 }
      const after: Record<string, (at: SessionKey) => Promise<unknown>> = {
        create: (at) => it.create(at, first, began),
        replace: async (at) => {
          await it.create(at, { ...first, expiresAt: long }, began)
          await it.replace(at, asExpected(first), next, began)
        },
        touch: async (at) => {
          await it.create(at, { ...first, expiresAt: short - 200 }, began)
          await it.touch(at, asExpected(first), short, began)
        },
      }
      const subjects = Object.keys(after).map(() => subjectOf(context, 'ann'))
      const longest = subjects.map(({ tag }) => key(tag))
      for (const [i, write] of Object.values(after).entries()) {
        await it.create(longest[i]!, { ...first, expiresAt: long }, began)
        await write(key(subjects[i]!.tag))
      }
      await setTimeout(SHORT_LIFE_MS + 200)
      const later = short + 2 * GRACE_MS
      for (const [i, what] of Object.keys(after).entries()) {
        const ann = subjects[i]!
        for (const moment of [short + 200, later])
          assert.deepEqual(await listed(it, ann, moment), [longest[i]!.id], `after a ${what}`)
        if (!it.deleteSubject) continue
        assert.ok([1, undefined].includes(await sum(it.deleteSubject(ann, later))), `after a ${what}`)
        assert.equal(await it.read(longest[i]!, later, { fresh: true }), undefined, `after a ${what}`)
      }
    },
    lists,
  ),
  store(
    'index-after-create-over',
    'When the last session under a tag has gone the index holds nothing, whatever expired records were written over.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const late = now + 60_000
      const keys = Array.from({ length: 3 }, () => key(ann.tag))
      for (const at of keys) await it.create(at, record({ subject: 'ann' }), now)
      const next = record({ expiresAt: late + 60_000 })
      await it.create(keys[0]!, { ...next, subject: 'bob' }, late)
      await it.create(keys[1]!, next, late)
      await it.create(keys[2]!, { ...next, subject: 'ann' }, late)
      for (const at of keys) assert.equal(await it.delete(at, late), true)
      for (const id of ['ann', 'bob']) assert.equal(await space.index!.size({ ...ann, id }), 0, `of ${id}`)
    },
    indexes,
  ),
  store(
    'revoked-with-expired',
    'A revocation takes the live sessions of a subject, counts those alone, and leaves nothing of expired ones in the index.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const late = now + 60_000
      for (let i = 0; i < 6; i++)
        await it.create(key(ann.tag), record({ subject: 'ann', expiresAt: late + (i % 2 ? 60_000 : 0) }), now)
      assert.ok([3, undefined].includes(await sum(it.deleteSubject!(ann, late))))
      assert.ok([0, undefined].includes(await sum(it.deleteSubject!(ann, late))), 'a second revocation finds some')
      if (it.list) assert.deepEqual(await listed(it, ann, late), [])
      if (space.index) assert.equal(await space.index.size(ann), 0, 'entries are left in the index')
    },
    revokes,
  ),
  store(
    'one-tag-many-subjects',
    'Every method tells apart many sessions of several subjects, and anonymous sessions, under one tag.',
    async (context) => {
      const { store: it, key, record, now } = context
      const { tag } = key()
      const keys = new Map<string | undefined, SessionKey[]>()
      for (let i = 0; i < 160; i++) {
        const subject = ['a', 'ab', 'b', undefined][i % 4]
        const at = key(tag)
        await it.create(at, record({ payload: Buffer.from(`${subject}`), ...(subject && { subject }) }), now)
        keys.set(subject, [...(keys.get(subject) ?? []), at])
      }
      const idsOf = (subject: string | undefined): string[] =>
        keys
          .get(subject)!
          .map(({ id }) => id)
          .toSorted()
      for (const id of ['a', 'ab', 'b']) assert.deepEqual(await listed(it, { tag, id }, now), idsOf(id), id)
      // The spared record has the last id: a list that ends at a page without a record of the subject never reaches it.
      const [spared, one, two, three] = keys.get('a')!.toSorted((x, y) => (x.id < y.id ? 1 : -1))
      const first = record({ subject: 'a', payload: Buffer.from('a') })
      assert.equal(await it.replace(one!, asExpected(first), { ...first, revision: 2 }, now), 'replaced')
      assert.equal(await it.touch(two!, asExpected(first), now + 90_000, now), 'touched')
      assert.equal(await it.delete(three!, now), true)
      keys.set(
        'a',
        keys.get('a')!.filter((at) => at !== three),
      )
      for (const id of ['a', 'ab', 'b']) assert.deepEqual(await listed(it, { tag, id }, now), idsOf(id), id)
      if (it.deleteSubject) {
        assert.ok([38, undefined].includes(await sum(it.deleteSubject({ tag, id: 'a' }, now, spared))))
        keys.set('a', [spared!])
      }
      for (const id of ['a', 'ab', 'b']) assert.deepEqual(await listed(it, { tag, id }, now), idsOf(id), id)
      for (const at of keys.get(undefined)!) assert.ok(await it.read(at, now, { fresh: true }))
    },
    lists,
  ),
  store(
    'names-alike',
    'Subjects whose names are alike for a long way, or by their checksum, are told apart.',
    async (context) => {
      const { store: it, key, record, now } = context
      const { tag } = key()
      const long = 'x'.repeat(1000)
      const ends = [`${long}1`, `${long}2`, `1${long}`, `2${long}`, long, long.slice(1), long.slice(0, 255)]
      // These have one CRC-32.
      const names = [...ends, 'plumless', 'buckeroo']
      const keys = names.map(() => key(tag))
      for (const [i, subject] of names.entries()) await it.create(keys[i]!, record({ subject }), now)
      for (const [i, id] of names.entries()) {
        assert.equal((await it.read(keys[i]!, now))?.subject, id)
        if (it.list) assert.deepEqual(await listed(it, { id, tag }, now), [keys[i]!.id], `name ${i + 1}`)
      }
      await sum(it.deleteSubject!({ id: names[0]!, tag }, now))
      for (const [i, at] of keys.entries())
        assert.equal((await it.read(at, now, { fresh: true })) === undefined, i === 0, `name ${i + 1}`)
    },
    revokes,
  ),
  store(
    'names-after-the-last',
    'When the last session of a subject has gone, by whichever client, and another subject has come, each signs in and is found under its own name.',
    async (context) => {
      const { store: it, space, record, now } = context
      const other = await space.connect()
      const past = now - 160_000
      const ends = {
        delete: (at: SessionKey) => other.delete(at, now),
        ...(it.deleteSubject && {
          deleteSubject: ({ tag }: SessionKey) => sum(other.deleteSubject!({ id: 'ann of deleteSubject', tag }, now)),
        }),
        ...(it.sweep && { sweep: () => sum(other.sweep!(now)) }),
      }
      for (const [name, end] of Object.entries(ends)) {
        const { tag } = context.key()
        const [ann, bob] = [`ann of ${name}`, `bob of ${name}`]
        const [first, second, third] = [context.key(tag), context.key(tag), context.key(tag)]
        const [expiresAt, then] = name === 'sweep' ? [now - 100_000, past] : [now + 60_000, now]
        await it.create(first, record({ subject: ann, expiresAt }), then)
        if (it.list) assert.deepEqual(await listed(it, { id: ann, tag }, then), [first.id])
        await end(first)
        await other.create(second, record({ subject: bob }), now)
        await it.create(third, record({ subject: ann }), now)
        for (const [at, id] of [
          [second, bob],
          [third, ann],
        ] as const) {
          assert.equal((await it.read(at, now, { fresh: true }))?.subject, id)
          if (it.list) assert.deepEqual(await listed(it, { id, tag }, now), [at.id])
        }
      }
    },
  ),
  store(
    'counted-and-all',
    'A count and a list of all agree, whosever the sessions are, whichever have expired, were replaced or are gone.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const late = now + 60_000
      for (let i = 0; i < 120; i++) {
        const at = i % 3 ? key() : key(ann.tag)
        const first = record({ expiresAt: late + (i % 4 ? 60_000 : 0), ...(i % 2 && { subject: 'ann' }) })
        await it.create(at, first, now)
        if (i % 5 === 0) await it.replace(at, asExpected(first), { ...first, revision: 2 }, now)
        if (i % 7 === 0) await it.delete(at, now)
        if (i % 8 === 0) await it.create(at, { ...first, expiresAt: late + 60_000 }, late)
      }
      assert.equal(await sum(it.count!(late)), (await all(it.all!(late))).length)
    },
    both(counts, listsAll),
  ),
]

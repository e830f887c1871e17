import assert from 'node:assert/strict'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import {
  all,
  clause,
  counts,
  indexes,
  listed,
  lists,
  listsAll,
  revokes,
  same,
  subjectOf,
  textOf,
} from '../../case-parts/case.ts'

const store = clause('subjects', 'store')

/** Cases on the list of a subject's sessions, and on the count of all sessions. */
export const subjects: readonly Case[] = [
  store(
    'list',
    'A list gives every live record of its subject once, with keys that read, and no other’s.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      assert.deepEqual(await all(it.list!(ann, now)), [])
      const keys = Array.from({ length: 3 }, () => key(ann.tag))
      for (const [i, at] of keys.entries())
        await it.create(at, record({ subject: 'ann', payload: Buffer.from(String(i)) }), now)
      await it.create(key(ann.tag), record(), now)
      const found = await all(it.list!(ann, now))
      assert.deepEqual(found.map(([{ id }]) => id).toSorted(), keys.map(({ id }) => id).toSorted())
      for (const [at, { payload, subject }] of found) {
        assert.deepEqual(
          [at.tag, subject, Buffer.from((await it.read(at, now))!.payload).equals(payload)],
          [ann.tag, 'ann', true],
        )
      }
    },
    lists,
  ),
  store(
    'list-follows',
    'A list shows the changes of a replace and of a touch, and no deleted record.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [one, two] = [key(ann.tag), key(ann.tag)]
      const first = record({ subject: 'ann' })
      await it.create(one, first, now)
      await it.create(two, first, now)
      await it.replace(one, asExpected(first), { ...first, revision: 2, payload: Buffer.from('next') }, now)
      await it.touch(one, asExpected({ ...first, revision: 2 }), now + 120_000, now)
      await it.delete(two, now)
      const [[at, read] = assert.fail('the list is empty'), ...rest] = await all(it.list!(ann, now + 90_000))
      assert.deepEqual([at.id, read.revision, textOf(read), rest.length], [one.id, 2, 'next', 0])
    },
    lists,
  ),
  store(
    'many',
    'A list of more than a page is whole, also while its records are deleted on the way.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      for (let i = 0; i < 450; i++) await it.create(key(ann.tag), record({ subject: 'ann' }), now)
      const seen = new Set<string>()
      for await (const [at] of it.list!(ann, now)) {
        assert.ok(!seen.has(at.id), 'a record is listed twice')
        seen.add(at.id)
        await it.delete(at, now)
      }
      assert.deepEqual([seen.size, await all(it.list!(ann, now))], [450, []])
    },
    lists,
  ),
  store(
    'list-past-other-tags',
    'A list is of one tag: the same subject under another tag, made with another pepper, is not in it.',
    async (context) => {
      const { store: it, key, record, now } = context
      const [one, two] = [key(), key()]
      for (const at of [one, two]) await it.create(at, record({ subject: 'ann' }), now)
      for (const at of [one, two]) assert.deepEqual(await listed(it, { id: 'ann', tag: at.tag }, now), [at.id])
    },
    lists,
  ),
  store(
    'one-tag-two-subjects',
    'Two subjects under one tag never meet: neither in lists nor in revocations.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [one, two, nobody] = [key(ann.tag), key(ann.tag), key(ann.tag)]
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create(two, record({ subject: 'anna' }), now)
      await it.create(nobody, record(), now)
      if (it.list) assert.deepEqual(await listed(it, { ...ann, id: 'anna' }, now), [two.id])
      await sum(it.deleteSubject!(ann, now))
      assert.deepEqual(
        [
          await it.read(one, now, { fresh: true }),
          !!(await it.read(two, now, { fresh: true })),
          !!(await it.read(nobody, now, { fresh: true })),
        ],
        [undefined, true, true],
      )
    },
    revokes,
  ),
  store(
    'any-characters',
    'A subject of any characters, up to 1,024 bytes, comes back, is found and revoked, and is no other.',
    async (context) => {
      const { store: it, record, now } = context
      const names = [
        'a',
        'A',
        'a ',
        ' a',
        'a:b',
        'a*',
        '%',
        '_',
        '{x}',
        '"\'\\',
        'a\0b',
        'a\0c',
        'é',
        'e\u0301',
        '😀',
        '\n',
        'x'.repeat(1024),
      ]
      const { tag } = context.key()
      const keys = names.map(() => context.key(tag))
      for (const [i, subject] of names.entries()) await it.create(keys[i]!, record({ subject }), now)
      for (const [i, subject] of names.entries()) {
        assert.equal((await it.read(keys[i]!, now))?.subject, subject)
        if (it.list)
          assert.deepEqual(
            (await all(it.list({ id: subject, tag }, now))).map(([{ id }]) => id),
            [keys[i]!.id],
          )
      }
      if (!it.deleteSubject) return
      for (const [i, subject] of names.entries()) {
        await sum(it.deleteSubject({ id: subject, tag }, now))
        for (const [j, at] of keys.entries())
          assert.equal((await it.read(at, now, { fresh: true })) !== undefined, j > i, `${names[j]} after ${subject}`)
      }
    },
  ),
  store(
    'list-none',
    'A subject without a session has an empty list: before the first, and after the last has gone.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      assert.deepEqual(await listed(it, ann, now), [])
      const at = key(ann.tag)
      await it.create(at, record({ subject: 'ann' }), now)
      assert.deepEqual(await listed(it, ann, now), [at.id])
      await it.delete(at, now)
      assert.deepEqual(await listed(it, ann, now), [])
      await it.create(at, record({ subject: 'bob' }), now)
      assert.deepEqual([await listed(it, ann, now), await listed(it, { ...ann, id: 'bob' }, now)], [[], [at.id]])
    },
    lists,
  ),
  store(
    'list-under-churn',
    'A list while sessions come and go gives each session that was there all the time, once.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const [staying, going] = [0, 1].map(() => Array.from({ length: 130 }, () => key(ann.tag)))
      for (let i = 0; i < 130; i++)
        for (const at of [going![i]!, staying![i]!]) await it.create(at, record({ subject: 'ann' }), now)
      const seen: string[] = []
      for await (const [at] of it.list!(ann, now)) {
        seen.push(at.id)
        if (seen.length % 2) continue
        const gone = going!.shift()
        if (gone) await other.delete(gone, now)
        await other.create(key(ann.tag), record({ subject: 'ann' }), now)
        if (seen.length > 2000) assert.fail('the list does not end while sessions are created')
      }
      assert.equal(new Set(seen).size, seen.length, 'a session is listed twice')
      assert.deepEqual(
        staying!.filter(({ id }) => !seen.includes(id)),
        [],
      )
    },
    lists,
  ),
  store(
    'list-by-another-client',
    'A list of one client shows a write of another client at once.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      await it.create(at, record({ subject: 'ann' }), now)
      assert.deepEqual([await listed(other, ann, now), await listed(it, ann, now)], [[at.id], [at.id]])
      await other.delete(at, now)
      assert.deepEqual(await listed(it, ann, now), [])
    },
    lists,
  ),
  store(
    'lost-index-heals',
    'A session whose index entry was lost is back in the list with its next write, and a revocation finds it.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      const first = record({ subject: 'ann' })
      await it.create(at, first, now)
      await space.index!.lose(ann)
      assert.ok(await it.read(at, now))
      assert.equal(await it.replace(at, asExpected(first), { ...first, revision: 2 }, now), 'replaced')
      if (it.list) assert.deepEqual(await listed(it, ann, now), [at.id])
      await sum(it.deleteSubject!(ann, now))
      assert.equal(await it.read(at, now, { fresh: true }), undefined)
    },
    indexes,
  ),
  store(
    'index-is-reclaimed',
    'An index entry goes with its record: by a delete, a revocation or a sweep.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const made = async (from = now): Promise<void> => {
        for (const at of keys) await it.create(at, record({ subject: 'ann', expiresAt: from + 60_000 }), from)
      }
      const keys = Array.from({ length: 20 }, () => key(ann.tag))
      await made()
      for (const at of keys) await it.delete(at, now)
      assert.equal(await space.index!.size(ann), 0, 'after deletes')
      await made()
      await sum(it.deleteSubject!(ann, now))
      assert.equal(await space.index!.size(ann), 0, 'after a revocation')
      if (!it.sweep) return
      await made(now - 120_000)
      await sum(it.sweep(now))
      assert.equal(await space.index!.size(ann), 0, 'after a sweep')
    },
    indexes,
  ),
  store(
    'all',
    'A list of all sessions gives every live record once, anonymous or of any subject, as a read does, and no record that has gone.',
    async (context) => {
      const { store: it, key, record, now } = context
      assert.deepEqual(await all(it.all!(now)), [])
      const keys = Array.from({ length: 130 }, () => key())
      for (const [i, at] of keys.entries())
        await it.create(
          at,
          record({ payload: Buffer.from(String(i)), ...(i % 2 && { subject: `user-${i % 7}` }) }),
          now,
        )
      const [short, gone] = [key(), key()]
      await it.create(short, record({ expiresAt: now + 1000 }), now)
      await it.create(gone, record(), now)
      await it.delete(gone, now)
      const first = record({ payload: Buffer.from('0') })
      await it.replace(keys[0]!, asExpected(first), { ...first, revision: 2, payload: Buffer.from('next') }, now)
      const found = await all(it.all!(now + 1000))
      assert.deepEqual(
        found.map(([{ tag, id }]) => tag + id).toSorted(),
        keys.map(({ tag, id }) => tag + id).toSorted(),
      )
      for (const [at, listed] of found) same(listed, (await it.read(at, now))!, it)
    },
    listsAll,
  ),
  store(
    'count',
    'Count follows creates and deletes.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      assert.equal(await sum(it.count!(now)), 0)
      await it.create(at, record(), now)
      await it.create(key(), record({ subject: 'ann' }), now)
      assert.equal(await sum(it.count!(now)), 2)
      await it.delete(at, now)
      assert.equal(await sum(it.count!(now)), 1)
    },
    counts,
  ),
]

import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { all, clause, counts, lists, revokes, subjectOf } from './case.ts'

const store = clause('subjects', 'store')

/** A subject's records: listed, revoked, counted. */
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
    'A list shows what a replace and a touch changed, and not what was deleted.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [one, two] = [key(ann.tag), key(ann.tag)]
      const first = record({ subject: 'ann' })
      await it.create(one, first, now)
      await it.create(two, first, now)
      await it.replace(one, { ...first, revision: 2, payload: Buffer.from('next') }, first, now)
      await it.touch(one, now + 120_000, { ...first, revision: 2 }, now)
      await it.delete(two, now)
      const [[at, read] = assert.fail('the list is empty'), ...rest] = await all(it.list!(ann, now + 90_000))
      assert.deepEqual(
        [at.id, read.revision, read.expiresAt, Buffer.from(read.payload).toString(), rest.length],
        [one.id, 2, now + 120_000, 'next', 0],
      )
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
    'one-tag-two-subjects',
    'Two subjects under one tag never meet: neither in lists nor in revocations.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [one, two, nobody] = [key(ann.tag), key(ann.tag), key(ann.tag)]
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create(two, record({ subject: 'anna' }), now)
      await it.create(nobody, record(), now)
      if (it.list)
        assert.deepEqual(
          (await all(it.list({ ...ann, id: 'anna' }, now))).map(([{ id }]) => id),
          [two.id],
        )
      await it.deleteSubject!(ann, now)
      assert.deepEqual(
        [await it.read(one, now, true), !!(await it.read(two, now, true)), !!(await it.read(nobody, now, true))],
        [undefined, true, true],
      )
    },
    revokes,
  ),
  store(
    'revoke-all',
    'Revoking a subject deletes all its records, for every client, and says how many where it can.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const keys = Array.from({ length: 150 }, () => key(ann.tag))
      for (const at of keys) await it.create(at, record({ subject: 'ann' }), now)
      const other = await space.connect()
      const count = await other.deleteSubject!(ann, now)
      assert.ok(count === undefined || count === 150, `it says that ${count} went`)
      for (const at of keys) assert.equal(await it.read(at, now, true), undefined)
      assert.ok([0, undefined].includes(await it.deleteSubject!(ann, now)))
    },
    revokes,
  ),
  store(
    'revoke-except',
    'Revoking spares the record that is excepted, and it can be written on.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [here, there] = [key(ann.tag), key(ann.tag)]
      for (const at of [here, there]) await it.create(at, record({ subject: 'ann' }), now)
      await it.deleteSubject!(ann, now, here)
      const read = await it.read(here, now, true)
      assert.deepEqual([await it.read(there, now, true), !!read], [undefined, true])
      assert.equal(await it.replace(here, { ...read!, revision: 2 }, read!, now), 'replaced')
      await it.deleteSubject!(ann, now, key(ann.tag))
      assert.equal(await it.read(here, now, true), undefined)
    },
    revokes,
  ),
  store(
    'revoked-stays-dead',
    'A replace and a touch of a revoked record are missing; a new sign-in afterwards lives.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      await it.create(at, record({ subject: 'ann' }), now)
      const read = (await it.read(at, now))!
      await it.deleteSubject!(ann, now)
      assert.equal(await it.replace(at, { ...read, revision: 2 }, read, now), 'missing')
      assert.equal(await it.touch(at, now + 90_000, read, now), 'missing')
      const next = key(ann.tag)
      assert.equal(await it.create(next, record({ subject: 'ann' }), now), true)
      assert.ok(await it.read(next, now))
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
      await it.deleteSubject!({ id: 'ann', tag: one.tag }, now)
      assert.deepEqual([await it.read(one, now, true), !!(await it.read(two, now, true))], [undefined, true])
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
        await it.deleteSubject({ id: subject, tag }, now)
        for (const [j, at] of keys.entries())
          assert.equal((await it.read(at, now, true)) !== undefined, j > i, `${names[j]} after ${subject}`)
      }
    },
  ),
  store(
    'count',
    'Count follows creates and deletes.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      assert.equal(await it.count!(now), 0)
      await it.create(at, record(), now)
      await it.create(key(), record({ subject: 'ann' }), now)
      assert.equal(await it.count!(now), 2)
      await it.delete(at, now)
      assert.equal(await it.count!(now), 1)
    },
    counts,
  ),
]

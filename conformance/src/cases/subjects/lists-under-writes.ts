import assert from 'node:assert/strict'
import type { SessionKey, SessionRecord, SessionStore, Subject } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { clause, listed, lists, listsAll, subjectOf, textOf } from '../../case-parts/case.ts'

const store = clause('subjects', 'store')

export type Listed = readonly [SessionKey, SessionRecord]

async function createAll(context: CaseContext, subject: Subject, count: number): Promise<SessionKey[]> {
  const { store: it, key, record, now } = context
  const keys = Array.from({ length: count }, () => key(subject.tag))
  for (const at of keys) await it.create(at, record({ subject: subject.id, payload: Buffer.from('old') }), now)
  return keys
}

/** Makes writes of every kind while a list is paused. No write may wait for the list. */
export async function writesMeanwhile(context: CaseContext, clients: readonly SessionStore[]): Promise<void> {
  const { key, record, now } = context
  for (const it of clients) {
    const at = key()
    const first = record({ subject: 'bob' })
    assert.equal(await it.create(at, first, now), true)
    assert.equal(await it.touch(at, asExpected(first), now + 90_000, now), 'touched')
    assert.equal(await it.replace(at, asExpected(first), { ...first, revision: 2 }, now), 'replaced')
    assert.equal((await it.read(at, now, { fresh: true }))?.revision, 2)
    assert.equal(await it.delete(at, now), true)
    if (it.deleteSubject) await sum(it.deleteSubject({ id: 'bob', tag: at.tag }, now))
    if (it.sweep) await sum(it.sweep(now))
  }
}

/** Cases on lists while other clients write, and on several lists at once. */
export const listsUnderWrites: readonly Case[] = [
  store(
    'list-under-writes',
    'A list while sessions are replaced, touched, created and deleted, by its client and another, is right of each of them.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const keys = await createAll(context, ann, 230)
      const first = record({ subject: 'ann', payload: Buffer.from('old') })
      const next = { ...first, revision: 2, payload: Buffer.from('new') }
      const replaced = new Set<string>()
      const deleted = new Set<string>()
      const created = new Set<string>()
      const seen = new Map<string, string | undefined>()
      let turn = 0
      for await (const [at, read] of it.list!(ann, now)) {
        assert.ok(!seen.has(at.id), 'a session is listed twice')
        seen.set(at.id, textOf(read))
        if (textOf(read) === 'new') assert.ok(replaced.has(at.id), 'what nobody has written is listed')
        const client = turn % 2 ? it : other
        const target = keys[(turn * 7) % keys.length]!
        if (!deleted.has(target.id) && !replaced.has(target.id))
          switch (turn % 4) {
            case 0:
              replaced.add(target.id)
              assert.equal(await client.replace(target, asExpected(first), next, now), 'replaced')
              break
            case 1:
              assert.equal(await client.touch(target, asExpected(first), now + 90_000, now), 'touched')
              break
            case 2:
              deleted.add(target.id)
              assert.equal(await client.delete(target, now), true)
              break
            default: {
              const fresh = key(ann.tag)
              created.add(fresh.id)
              assert.equal(await client.create(fresh, first, now), true)
            }
          }
        assert.ok(++turn < 2000, 'the list does not end while sessions are created')
      }
      const missed = keys.filter(({ id }) => !deleted.has(id) && !seen.has(id))
      assert.deepEqual(missed, [], 'a session that was there all the time is not listed')
      for (const id of seen.keys())
        assert.ok(created.has(id) || keys.some((at) => at.id === id), 'a stranger is listed')
      assert.deepEqual(
        await listed(it, ann, now),
        [...keys.map(({ id }) => id).filter((id) => !deleted.has(id)), ...created].toSorted(),
      )
    },
    lists,
  ),
  store(
    'two-lists',
    'Two lists at once do not disturb each other, and one that is left early disturbs none.',
    async (context) => {
      const { store: it, now } = context
      const [ann, bob] = [subjectOf(context, 'ann'), subjectOf(context, 'bob')]
      const keys = [await createAll(context, ann, 150), await createAll(context, bob, 150)]
      const open = (subject: Subject): AsyncIterator<Listed> => it.list!(subject, now)[Symbol.asyncIterator]()
      const iterators = [open(ann), open(bob), open(ann)]
      const found: string[][] = [[], [], []]
      for (const [turn, iterator] of Array.from({ length: 120 }, (_, i) => iterators[i % 3]!).entries()) {
        const { value } = (await iterator.next()) as IteratorYieldResult<Listed>
        found[turn % 3]!.push(value[0].id)
      }
      // The third list ends early, and a new list begins.
      await iterators[2]!.return?.()
      assert.deepEqual(await listed(it, ann, now), keys[0]!.map(({ id }) => id).toSorted())
      for (const i of [0, 1])
        for (let next = await iterators[i]!.next(); !next.done; next = await iterators[i]!.next())
          found[i]!.push(next.value[0].id)
      for (const i of [0, 1]) assert.deepEqual(found[i]!.toSorted(), keys[i]!.map(({ id }) => id).toSorted())
    },
    lists,
  ),
  store(
    'slow-list',
    'A list that is read slowly holds up neither its own client nor another.',
    async (context) => {
      const { store: it, space, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const keys = await createAll(context, ann, 210)
      const seen: string[] = []
      for await (const [at] of it.list!(ann, now)) {
        if (seen.length % 100 === 1) await writesMeanwhile(context, [it, other])
        seen.push(at.id)
      }
      assert.deepEqual(seen.toSorted(), keys.map(({ id }) => id).toSorted())
    },
    lists,
  ),
  store(
    'slow-list-of-all',
    'A list of all that is read slowly holds up neither its own client nor another.',
    async (context) => {
      const { store: it, space, now } = context
      const other = await space.connect()
      const keys = await createAll(context, subjectOf(context, 'ann'), 210)
      const seen = new Set<string>()
      for await (const [at] of it.all!(now)) {
        assert.ok(!seen.has(at.id), 'a session is listed twice')
        if (seen.size % 100 === 1) await writesMeanwhile(context, [it, other])
        seen.add(at.id)
      }
      assert.deepEqual([...seen].toSorted(), keys.map(({ id }) => id).toSorted())
    },
    listsAll,
  ),
]

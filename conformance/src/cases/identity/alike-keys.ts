import assert from 'node:assert/strict'
import type { SessionKey } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, clause, listed, revokes, same } from '../../case-parts/case.ts'

const store = clause('identity', 'store')

const [TAG, ID] = ['abcdefghijkl', 'abcdefghijklmnop']

/** Keys that differ in a single character, at each place. */
const ONE_APART: readonly SessionKey[] = [
  ...Array.from(TAG, (_, i) => ({ tag: `${TAG.slice(0, i)}9${TAG.slice(i + 1)}`, id: ID })),
  ...Array.from(ID, (_, i) => ({ tag: TAG, id: `${ID.slice(0, i)}9${ID.slice(i + 1)}` })),
]

/** Keys that a store may take for each other: by case, as a pattern, as a number, or by one part alone. */
const ALIKE: readonly SessionKey[] = [
  { tag: TAG, id: ID },
  { tag: TAG.toUpperCase(), id: ID },
  { tag: TAG, id: ID.toUpperCase() },
  { tag: TAG.toUpperCase(), id: ID.toUpperCase() },
  // `_` is any character to LIKE.
  { tag: '____________', id: ID },
  { tag: TAG, id: '________________' },
  { tag: '------------', id: ID },
  { tag: TAG, id: '----------------' },
  { tag: '000000000000', id: '0000000000000001' },
  { tag: '000000000000', id: '0000000000000010' },
  { tag: '000000000001', id: '0000000000000001' },
  { tag: '0000000000e1', id: '00000000000000e1' },
  // Names of what every object has.
  ...['__defineGetter__', '__defineSetter__', '__lookupGetter__'].map((id) => ({ tag: TAG, id })),
  ...ONE_APART,
]

/** Cases on keys that are nearly the same. */
export const alikeKeys: readonly Case[] = [
  store(
    'alike-keys',
    'Of keys that are alike, by case, as a pattern, as a number or but for one character, and of keys that name what objects have, each method finds its own alone.',
    async ({ store: it, record, now }) => {
      const first = ALIKE.map((_, i) => record({ subject: 'ann', payload: Buffer.from(`first ${i}`) }))
      const last = first.map((one, i) => ({
        ...one,
        revision: 2,
        expiresAt: now + 90_000 + i * 1000,
        payload: Buffer.from(`last ${i}`),
      }))
      const keys = [...ALIKE.entries()]
      for (const [i, at] of keys) assert.equal(await it.create(at, first[i]!, now), true, shown(at))
      for (const [i, at] of keys) same(await it.read(at, now), first[i]!, it)
      // What one write does to the record of another key is seen by the writes to that key, or by the reads at the end.
      for (const [i, at] of keys)
        assert.equal(
          await it.replace(at, asExpected(first[i]!), { ...last[i]!, expiresAt: first[i]!.expiresAt }, now),
          'replaced',
          shown(at),
        )
      for (const [i, at] of keys)
        assert.equal(await it.touch(at, asExpected(last[i]!), last[i]!.expiresAt, now), 'touched', shown(at))
      for (const [i, at] of keys) same(await it.read(at, now, { fresh: true }), last[i]!, it)
      const byTag = Map.groupBy(ALIKE, ({ tag }) => tag)
      const idsOf = (tag: string): string[] =>
        byTag
          .get(tag)!
          .map(({ id }) => id)
          .toSorted()
      if (it.list)
        for (const tag of byTag.keys()) assert.deepEqual(await listed(it, { id: 'ann', tag }, now), idsOf(tag), tag)
      if (it.all)
        assert.deepEqual((await all(it.all(now))).map(([at]) => shown(at)).toSorted(), ALIKE.map(shown).toSorted())
      if (it.count) assert.equal(await sum(it.count(now)), ALIKE.length)
      for (const [i, at] of keys.filter((_, n) => n % 2)) {
        same(await it.read(at, now, { fresh: true }), last[i]!, it)
        assert.equal(await it.delete(at, now), true, shown(at))
        byTag.set(
          at.tag,
          byTag.get(at.tag)!.filter((one) => one !== at),
        )
      }
      for (const [tag, left] of byTag) {
        for (const at of left) assert.ok(await it.read(at, now, { fresh: true }), `${shown(at)} went with another`)
        if (!it.deleteSubject) continue
        assert.ok([left.length, undefined].includes(await sum(it.deleteSubject({ id: 'ann', tag }, now))), tag)
        for (const at of left) assert.equal(await it.read(at, now, { fresh: true }), undefined, shown(at))
      }
    },
  ),
  store(
    'alike-excepted',
    'A revocation spares the excepted key alone, and the same ID under another tag spares nobody, however alike the keys of the subject are.',
    async ({ store: it, record, now }) => {
      const mine = ALIKE.filter(({ tag }) => tag === TAG)
      const others = [TAG.toUpperCase(), '____________'].map((tag) => ({ tag, id: ID }))
      const first = record({ subject: 'ann' })
      for (const except of [...mine.slice(0, 5), ...others]) {
        for (const at of mine) await it.create(at, first, now)
        const left = mine.filter((at) => at === except)
        const ended = await sum(it.deleteSubject!({ id: 'ann', tag: TAG }, now, except))
        assert.ok([mine.length - left.length, undefined].includes(ended), `${shown(except)} excepted: ${ended} ended`)
        for (const at of mine)
          assert.equal(
            (await it.read(at, now, { fresh: true })) !== undefined,
            at === except,
            `${shown(at)}, with ${shown(except)} excepted`,
          )
        for (const at of left) assert.equal(await it.delete(at, now), true, shown(at))
      }
    },
    revokes,
  ),
]

function shown({ tag, id }: SessionKey): string {
  return `${tag} ${id}`
}

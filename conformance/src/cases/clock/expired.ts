import assert from 'node:assert/strict'
import type { SessionKey, SessionRecord } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { clause, counts, listed, lists, revokes, sweeps, textOf } from '../../case-parts/case.ts'

const store = clause('clock', 'store')

/** Cases on expired records: they are missing to every method, whether they were swept or not. */
export const expired: readonly Case[] = [
  store(
    'expired-is-missing',
    'An expired record that may still be there cannot be replaced, touched, or deleted as a live one.',
    async ({ store: it, key, record }) => {
      const at = key()
      const first = record()
      await it.create(at, first, first.expiresAt - 1000)
      const late = first.expiresAt
      assert.equal(
        await it.replace(at, asExpected(first), { ...first, revision: 2, expiresAt: late + 60_000 }, late),
        'missing',
      )
      assert.equal(await it.touch(at, asExpected(first), late + 60_000, late), 'missing')
      assert.equal(await it.read(at, late), undefined)
      assert.equal(await it.delete(at, late), false)
    },
  ),
  store(
    'create-over-expired',
    'A create in the place of an expired record succeeds, with nothing left of it.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ subject: 'ann', revision: 5 }), now)
      const late = now + 60_000
      assert.equal(await it.create(at, record({ expiresAt: late + 1000, payload: Buffer.from('new') }), late), true)
      const read = await it.read(at, late)
      assert.deepEqual([read?.revision, read?.subject, textOf(read)], [1, undefined, 'new'])
    },
  ),
  store(
    'expired-not-listed',
    'An expired record is not listed.',
    async ({ store: it, key, record, now }) => {
      const [one, two] = [key(), key()]
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create({ ...two, tag: one.tag }, record({ subject: 'ann', expiresAt: now + 90_000 }), now)
      assert.deepEqual(await listed(it, { id: 'ann', tag: one.tag }, now + 60_000), [two.id])
    },
    lists,
  ),
  store(
    'expired-not-counted',
    'An expired record is not counted.',
    async ({ store: it, key, record, now }) => {
      await it.create(key(), record(), now)
      await it.create(key(), record({ expiresAt: now + 90_000 }), now)
      assert.deepEqual([await sum(it.count!(now)), await sum(it.count!(now + 60_000))], [2, 1])
    },
    counts,
  ),
  store(
    'expired-not-revoked',
    'An expired record is not among those that a revocation says went.',
    async ({ store: it, key, record, now }) => {
      const one = key()
      await it.create(one, record({ subject: 'ann' }), now)
      await it.create(key(one.tag), record({ subject: 'ann', expiresAt: now + 90_000 }), now)
      assert.ok([1, undefined].includes(await sum(it.deleteSubject!({ id: 'ann', tag: one.tag }, now + 60_000))))
    },
    revokes,
  ),
  store(
    'sweep-takes-expired-alone',
    'A sweep removes all records that expired 60 s ago or earlier, and nothing else.',
    async ({ store: it, key, record, now }) => {
      const live = key()
      const end = now - 3_600_000
      await it.create(live, record(), now)
      for (let i = 0; i < 25; i++) await it.create(key(), record({ expiresAt: end }), end - 60_000)
      const swept: number[] = []
      for (const at of [end, end + 59_999, end + 60_000, now]) swept.push(await sum(it.sweep!(at)))
      assert.deepEqual(swept, [0, 0, 25, 0])
      assert.ok(await it.read(live, now))
    },
    sweeps,
  ),
  store(
    'sweep-takes-whatever-ended',
    'A sweep removes and counts every record that has ended, of any subject or none and of any client, by the expiry that a create, a replace or a touch set last, and no deleted one; the other records stay in their lists.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const began = now - 3_600_000
      const [ended, later] = [now - 1_800_000, now + 3_600_000]
      const { tag } = key()
      const ways = ['create', 'shortening replace', 'lengthening replace', 'touch'] as const
      /** Writes a record that ends at a time by what each way of writing gave it last. */
      const written = async (
        at: SessionKey,
        expiresAt: number,
        by: (typeof ways)[number],
        of: Partial<SessionRecord>,
      ): Promise<void> => {
        const [short, long] = [began + 60_000, later]
        const before = { create: expiresAt, 'shortening replace': long, 'lengthening replace': short, touch: short }
        const first = record({ ...of, expiresAt: before[by] })
        await it.create(at, first, began)
        if (by.endsWith('replace')) await it.replace(at, asExpected(first), { ...first, revision: 2, expiresAt }, began)
        if (by === 'touch') await it.touch(at, asExpected(first), expiresAt, began)
      }
      const subjects = [undefined, 'ann', 'bob']
      const live = new Map<string | undefined, SessionKey[]>(subjects.map((subject) => [subject, []]))
      // One way after the other, each from a sweep that left nothing ended: none hides behind what another way has written.
      for (const by of ways) {
        let due = 0
        for (const subject of subjects) {
          const of = subject === undefined ? {} : { subject }
          for (const at of [key(tag), key()]) {
            await written(at, ended, by, of)
            due++
          }
          const staying = key(tag)
          await written(staying, later, by, of)
          live.get(subject)!.push(staying)
          const deleted = key(tag)
          await written(deleted, ended, by, of)
          await it.delete(deleted, began)
        }
        // By a client that has written none of them.
        const other = await space.connect()
        assert.equal(await sum(other.sweep!(now)), due, `of what ended by a ${by}`)
      }
      for (const [id, keys] of live) {
        for (const at of keys) assert.ok(await it.read(at, now), `a live record of ${id} is missing`)
        if (id === undefined) continue
        const ids = keys.map((at) => at.id).toSorted()
        if (it.list) assert.deepEqual(await listed(it, { id, tag }, now), ids)
        if (it.deleteSubject) assert.ok([ids.length, undefined].includes(await sum(it.deleteSubject({ id, tag }, now))))
      }
    },
    sweeps,
  ),
  store(
    'sweep-after-sweep',
    'A sweep takes what ended long ago and came in after the sweep before, of any client: a create, a replace or a touch by a slow clock, to any end, also one before those that were swept.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const ended = now - 1_800_000
      let turn = 0
      // The same end as in the round before, a later and an earlier one; and sweeps by clocks that do not go forward.
      for (const [end, at] of [
        [ended, now],
        [ended, now],
        [ended + 600_000, now],
        [ended - 600_000, now],
        [ended - 600_000, now - 900_000],
        [ended, now],
      ] as const) {
        const began = end - 3_600_000
        const first = record({ subject: 'ann', expiresAt: end })
        const [live, replaced, touched] = [key(), key(), key()]
        await it.create(live, record(), now)
        await it.create(key(), first, began)
        await other.create(key(), first, began)
        const longer = { ...first, expiresAt: now + 3_600_000 }
        await it.create(replaced, longer, began)
        await it.replace(replaced, asExpected(longer), { ...first, revision: 2 }, began)
        const shorter = { ...first, expiresAt: began + 60_000 }
        await it.create(touched, shorter, began)
        await it.touch(touched, asExpected(shorter), end, began)
        const sweeper = turn % 3 === 2 ? other : it
        assert.equal(await sum(sweeper.sweep!(at)), 4, `sweep ${++turn}`)
        assert.ok(await it.read(live, now))
      }
      // The client that sweeps has swept all that it wrote, and knows nothing of this.
      await sum(it.sweep!(now))
      await other.create(key(), record({ expiresAt: ended - 900_000 }), ended - 3_600_000)
      assert.equal(await sum(it.sweep!(now)), 1, 'a sweep of what another client wrote alone')
    },
    sweeps,
  ),
  store(
    'sweep-by-both-clocks',
    'A sweep by a process whose clock is a day ahead removes nothing that the store’s clock does not have ended 60 s ago, and neither does a client that connects or closes.',
    async ({ store: it, space, key, record, now }) => {
      const [live, ending, ended] = [key(), key(), key()]
      await it.create(live, record(), now)
      await it.create(ending, record({ expiresAt: now - 20_000 }), now - 60_000)
      await it.create(ended, record({ expiresAt: now - 100_000 }), now - 160_000)
      const other = await space.connect()
      assert.ok(await other.read(ended, now - 160_000), 'a client that came removed what had ended')
      if (other !== it) await other.close?.()
      assert.ok(await it.read(ended, now - 160_000), 'a client that went removed what had ended')
      assert.equal(await sum(it.sweep!(now + 86_400_000)), 1)
      assert.ok(await it.read(live, now), 'a live record was swept')
      assert.ok(await it.read(ending, now - 60_000), 'a record was swept that ended 20 s ago')
    },
    sweeps,
  ),
  store(
    'sweep-spares-touched',
    'A record that was touched past its first end survives a sweep.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const first = record({ expiresAt: now - 120_000 })
      await it.create(at, first, now - 180_000)
      await it.touch(at, asExpected(first), now + 60_000, now - 150_000)
      assert.equal(await sum(it.sweep!(now)), 0)
      assert.ok(await it.read(at, now))
    },
    sweeps,
  ),
]

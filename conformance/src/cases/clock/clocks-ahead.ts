import assert from 'node:assert/strict'
import type { SessionKey } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import { all, clause, listed, revokes, subjectOf, sweeps } from '../../case-parts/case.ts'
import type { Case } from '../../contract.ts'

const store = clause('clock', 'store')

/** How far the clock of a process is ahead, in ms. For this process a record is expired that is live for the others. */
const AHEAD_MS = 10_000

/** Cases on processes with different clocks: a record that is expired for one process may be live for another. */
export const clocksAhead: readonly Case[] = [
  store(
    'looking-removes-nothing',
    'A process whose clock is ahead removes nothing that is expired for it alone, neither a record nor its place in the list of its subject, by whatever it does with others.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [at, neighbour] = [key(ann.tag), key(ann.tag)]
      const first = record({ subject: 'ann', expiresAt: now + AHEAD_MS })
      await it.create(at, first, now)
      const ahead = now + AHEAD_MS + 1
      const later = record({ subject: 'ann', expiresAt: ahead + 60_000 })
      const next = { ...later, revision: 2 }
      const other = await space.connect()
      const looks: Record<string, () => Promise<unknown>> = {
        read: () => other.read(at, ahead),
        'fresh read': () => other.read(at, ahead, { fresh: true }),
        replace: () => other.replace(at, asExpected(first), { ...first, revision: 2 }, ahead),
        touch: () => other.touch(at, asExpected(first), ahead + 60_000, ahead),
        ...(other.list && { list: () => all(other.list!(ann, ahead)) }),
        ...(other.all && { all: () => all(other.all!(ahead)) }),
        ...(other.count && { count: () => sum(other.count!(ahead)) }),
        'create of another': () => other.create(neighbour, later, ahead),
        'replace of another': () => other.replace(neighbour, asExpected(later), next, ahead),
        'touch of another': () => other.touch(neighbour, asExpected(next), ahead + 90_000, ahead),
        'delete of another': () => other.delete(neighbour, ahead),
        ...(other.deleteSubject && {
          'revocation of another': () => sum(other.deleteSubject!({ ...ann, id: 'bob' }, ahead)),
        }),
        ...(other.sweep && { sweep: () => sum(other.sweep!(ahead)) }),
      }
      for (const [what, look] of Object.entries(looks)) {
        await look()
        const told = `after a ${what} by a clock that is ${AHEAD_MS / 1000} s ahead`
        assert.equal((await it.read(at, now, { fresh: true }))?.revision, 1, told)
        if (it.list) assert.ok((await listed(it, ann, now)).includes(at.id), `not listed ${told}`)
      }
      if (!it.deleteSubject) return
      await sum(it.deleteSubject(ann, now))
      assert.equal(await it.read(at, now, { fresh: true }), undefined, 'a revocation does not find it any more')
    },
  ),
  store(
    'deleted-by-a-clock-ahead',
    'A delete by a process whose clock is ahead deletes a record that is expired for it and live for the others.',
    async ({ store: it, space, key, record, now }) => {
      const at = key()
      await it.create(at, record({ expiresAt: now + AHEAD_MS }), now)
      assert.equal(await (await space.connect()).delete(at, now + AHEAD_MS + 1), false)
      assert.equal(await it.read(at, now, { fresh: true }), undefined)
    },
  ),
  store(
    'revoked-by-a-clock-ahead',
    'A revocation by a process whose clock is ahead deletes records that are expired for it and live for the others, and spares such a record too.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const [short, long, spared] = [key(ann.tag), key(ann.tag), key(ann.tag)]
      for (const at of [short, spared]) await it.create(at, record({ subject: 'ann', expiresAt: now + AHEAD_MS }), now)
      await it.create(long, record({ subject: 'ann', expiresAt: now + 10 * AHEAD_MS }), now)
      const went = await sum((await space.connect()).deleteSubject!(ann, now + AHEAD_MS + 1, spared))
      assert.ok(went === undefined || went === 1, `it says that ${went} went, and one was live by its clock`)
      for (const at of [short, long]) assert.equal(await it.read(at, now, { fresh: true }), undefined)
      assert.ok(await it.read(spared, now, { fresh: true }), 'the record is gone that it was to spare')
    },
    revokes,
  ),
  store(
    'written-by-a-clock-ahead',
    'A record that is written with an end which has passed for its writer alone, whose clock is ahead, is live for the others until its end.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const other = await space.connect()
      const first = record({ subject: 'ann', expiresAt: now + 10 * AHEAD_MS })
      const short = { ...first, expiresAt: now + AHEAD_MS }
      const ahead = now + AHEAD_MS + 1
      const [made, replaced] = [key(ann.tag), key(ann.tag)]
      assert.equal(await other.create(made, short, ahead), true)
      await it.create(replaced, first, now)
      assert.equal(await other.replace(replaced, asExpected(first), { ...short, revision: 2 }, ahead), 'replaced')
      for (const [at, revision] of [
        [made, 1],
        [replaced, 2],
      ] as const) {
        assert.equal(await other.read(at, ahead, { fresh: true }), undefined)
        assert.equal((await it.read(at, now, { fresh: true }))?.revision, revision)
        if (it.list) assert.ok((await listed(it, ann, now)).includes(at.id), 'it is not listed')
      }
    },
  ),
  store(
    'each-call-by-its-own',
    'Calls that one client makes at once are each answered by the time that they give, whichever comes first.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ahead = now + AHEAD_MS + 1
      const next = record({ expiresAt: now + 10 * AHEAD_MS, revision: 2 })
      for (const [times, [slow, fast]] of [
        [
          [now, ahead, now, ahead],
          [0, 1],
        ],
        [
          [ahead, now, ahead, now],
          [1, 0],
        ],
      ] as const) {
        const ann = subjectOf(context, 'ann')
        const first = record({ subject: 'ann', expiresAt: now + AHEAD_MS })
        /** Makes a call for each time at once, on one record or on a record each: those by the clock that is ahead find none. */
        const atOnce = async <T>(
          call: (at: SessionKey, time: number) => Promise<T>,
          [live, expired]: readonly [T, T],
          each: boolean,
        ): Promise<void> => {
          const keys = times.map(() => key(ann.tag))
          for (const at of each ? keys : keys.slice(0, 1)) await it.create(at, first, now)
          const answers = await Promise.all(times.map((time, i) => call(each ? keys[i]! : keys[0]!, time)))
          assert.deepEqual(
            answers,
            times.map((time) => (time === now ? live : expired)),
            String(call),
          )
          for (const at of keys) await it.delete(at, now)
        }
        const isThere = async (at: SessionKey, time: number, fresh: boolean): Promise<boolean> =>
          (await it.read(at, time, { fresh })) !== undefined
        for (const each of [true, false])
          for (const fresh of [true, false]) await atOnce((at, time) => isThere(at, time, fresh), [true, false], each)
        await atOnce((at, time) => it.create(at, next, time), [false, true], true)
        await atOnce((at, time) => it.replace(at, asExpected(first), next, time), ['replaced', 'missing'], true)
        await atOnce((at, time) => it.touch(at, asExpected(first), next.expiresAt, time), ['touched', 'missing'], true)
        await atOnce((at, time) => it.delete(at, time), [true, false], true)
        const only = key(ann.tag)
        await it.create(only, first, now)
        const found = [1, 0]
        const expected = [found[slow], found[fast]]
        const both = <T>(call: (time: number) => Promise<T>) => Promise.all(times.slice(0, 2).map(call))
        if (it.list) assert.deepEqual(await both(async (time) => (await listed(it, ann, time)).length), expected)
        if (it.all) assert.deepEqual(await both(async (time) => (await all(it.all!(time))).length), expected)
        if (it.count) assert.deepEqual(await both((time) => sum(it.count!(time))), expected)
        await it.delete(only, now)
      }
    },
  ),
  store(
    'clock-from-zero',
    'A clock that begins at 0, as in tests, is as good as any.',
    async (context) => {
      const { store: it, record } = context
      const ann = subjectOf(context, 'ann')
      const [at, gone] = [context.key(ann.tag), context.key(ann.tag)]
      const first = record({ subject: 'ann', expiresAt: 1000 })
      for (const one of [at, gone]) assert.equal(await it.create(one, first, 0), true)
      assert.equal(await it.create(at, first, 0), false)
      assert.equal((await it.read(at, 0))?.revision, 1)
      const next = { ...first, revision: 2 }
      assert.equal(await it.replace(at, asExpected(first), next, 0), 'replaced')
      assert.equal(await it.touch(at, asExpected(next), 2000, 0), 'touched')
      if (it.list) assert.equal((await listed(it, ann, 0)).length, 2)
      if (it.all) assert.equal((await all(it.all(0))).length, 2)
      if (it.count) assert.equal(await sum(it.count(0)), 2)
      assert.equal(await it.delete(gone, 0), true)
      assert.equal(await sum(it.sweep!(0)), 0)
      assert.equal((await it.read(at, 0, { fresh: true }))?.revision, 2)
    },
    sweeps,
  ),
]

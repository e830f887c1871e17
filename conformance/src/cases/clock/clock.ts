import assert from 'node:assert/strict'
import type { SessionKey, SessionRecord } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, clause, listed, subjectOf } from '../../case-parts/case.ts'

const store = clause('clock', 'store')

/** Cases on clocks: core's clock decides which records are live, and the backend's clock only removes garbage. */
export const clock: readonly Case[] = [
  store(
    'readable-to-the-end',
    'A record is readable one resolution before its end, and gone at its end.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const { expiresAt } = record()
      await it.create(at, record(), now)
      assert.ok(await it.read(at, expiresAt - it.traits.expiryResolutionMs))
      assert.equal(await it.read(at, expiresAt), undefined)
    },
  ),
  store(
    'touch-never-back',
    'A touch to an earlier time answers touched and changes nothing.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      const before = (await it.read(at, now))?.expiresAt
      assert.equal(await it.touch(at, asExpected(record()), now + 1000, now), 'touched')
      assert.equal((await it.read(at, now))?.expiresAt, before)
    },
  ),
  store(
    'touch-lengthens',
    'A touch lengthens the life: readable past the first end.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      await it.touch(at, asExpected(record()), now + 120_000, now)
      assert.ok(await it.read(at, now + 119_000))
      assert.equal(await it.read(at, now + 120_000), undefined)
    },
  ),
  store(
    'replace-shortens',
    'A replace with an earlier expiry shortens the life.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      await it.replace(at, asExpected(record()), record({ revision: 2, expiresAt: now + 30_000 }), now)
      assert.ok(await it.read(at, now + 29_000))
      assert.equal(await it.read(at, now + 30_000), undefined)
    },
  ),
  store('read-is-no-touch', 'Reading extends nothing.', async ({ store: it, key, record, now }) => {
    const at = key()
    await it.create(at, record(), now)
    await it.read(at, now + 59_000)
    assert.equal(await it.read(at, now + 60_000), undefined)
  }),
  store('short-life', 'A life of one second is not cut short.', async ({ store: it, key, record, now }) => {
    const at = key()
    await it.create(at, record({ expiresAt: now + 1000 }), now)
    assert.ok(await it.read(at, now + 1000 - it.traits.expiryResolutionMs))
    assert.equal(await it.read(at, now + 1000), undefined)
  }),
  store(
    'long-lives',
    'Lives past 30 days, past 2³¹ and 2³² seconds, to the end of the year 9999 and past it end when they should, to the resolution that is claimed, whether a create, a replace or a touch gave them.',
    async (context) => {
      const { store: it, key, record, now } = context
      const { expiryResolutionMs } = it.traits
      const writes: Record<string, (at: SessionKey, first: SessionRecord) => Promise<unknown>> = {
        create: async (at, first) => {
          await it.delete(at, now)
          await it.create(at, first, now)
        },
        replace: (at, { expiresAt }) =>
          it.replace(
            at,
            asExpected(record({ subject: 'ann' })),
            record({ subject: 'ann', revision: 2, expiresAt }),
            now,
          ),
        touch: (at, { expiresAt }) => it.touch(at, asExpected(record({ subject: 'ann' })), expiresAt, now),
      }
      const ends = [
        now + 40 * 86_400_000,
        now + (2 ** 31 + 1000) * 1000,
        now + (2 ** 32 + 1000) * 1000,
        // Their last digits are lost first where a number of so many digits is rounded, up or down.
        Date.UTC(9999, 11, 31, 23, 59, 59, 994),
        Date.UTC(9999, 11, 31, 23, 59, 59, 999),
        Date.UTC(10_000, 5, 1, 0, 0, 0, 3),
      ]
      for (const expiresAt of ends)
        for (const [what, write] of Object.entries(writes)) {
          const at = key()
          const ann = { id: 'ann', tag: at.tag }
          const last = expiresAt - expiryResolutionMs
          const told = `a ${what} to ${new Date(expiresAt).toISOString()}`
          await it.create(at, record({ subject: 'ann' }), now)
          await write(at, record({ subject: 'ann', expiresAt }))
          assert.ok(await it.read(at, now), told)
          assert.ok(await it.read(at, last), `${told} ends early`)
          assert.equal(await it.read(at, expiresAt), undefined, `${told} ends late`)
          if (!it.list) continue
          assert.deepEqual(await listed(it, ann, last), [at.id], told)
          assert.deepEqual(await listed(it, ann, expiresAt), [], told)
        }
    },
  ),
  store(
    'past-expiry',
    'A record that is written past its expiry is missing from then on, whether it was created or replaced.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      assert.equal(await it.create(at, record({ expiresAt: now }), now), true)
      assert.equal(await it.read(at, now), undefined)
      assert.equal(await it.create(at, record(), now), true)
      assert.equal(
        await it.replace(at, asExpected(record()), record({ revision: 2, expiresAt: now - 1 }), now),
        'replaced',
      )
      assert.deepEqual([await it.read(at, now), await it.delete(at, now)], [undefined, false])
    },
  ),
  store(
    'rounding',
    'Rounding never lengthens a life, whatever part of a second it ends at.',
    async ({ store: it, key, record, now }) => {
      for (const part of [1, 250, 499, 500, 501, 750, 999]) {
        const expiresAt = Math.floor(now / 1000) * 1000 + 60_000 + part
        const at = key()
        await it.create(at, record(), now)
        await it.replace(at, asExpected(record()), record({ revision: 2, expiresAt }), now)
        assert.ok(await it.read(at, expiresAt - it.traits.expiryResolutionMs), `it ends at .${part}`)
        assert.equal(await it.read(at, expiresAt), undefined, `it ends at .${part}`)
        const touched = key()
        await it.create(touched, record({ expiresAt: now + 1000 }), now)
        await it.touch(touched, asExpected(record()), expiresAt, now)
        assert.ok(await it.read(touched, expiresAt - it.traits.expiryResolutionMs), `touched to .${part}`)
        assert.equal(await it.read(touched, expiresAt), undefined, `touched to .${part}`)
      }
    },
  ),
  store(
    'resolution-claimed',
    'A resolution of more than a millisecond is claimed only where some record ends early by about as much.',
    async ({ store: it, key, record, now }) => {
      const { expiryResolutionMs } = it.traits
      let early = 0
      for (let i = 0; i < 64; i++) {
        const at = key()
        const expiresAt = now + 60_000 + Math.floor((i * expiryResolutionMs) / 64)
        await it.create(at, record({ expiresAt }), now)
        if (!(await it.read(at, expiresAt - Math.max(1, Math.floor(expiryResolutionMs / 4))))) early++
      }
      assert.ok(early > 0 || expiryResolutionMs === 1, 'under-claimed: each record lives to the millisecond')
    },
  ),
  store(
    'time-zone',
    'Expiry is the same moment to a client in another time zone.',
    async ({ store: it, space, key, record, now }) => {
      const { TZ } = process.env
      try {
        const at = key()
        process.env.TZ = 'Pacific/Kiritimati'
        await it.create(at, record(), now)
        process.env.TZ = 'America/Adak'
        const other = await space.connect()
        assert.ok(await other.read(at, now + 60_000 - it.traits.expiryResolutionMs))
        assert.equal(await other.read(at, now + 60_000), undefined)
        await other.touch(at, asExpected(record()), now + 120_000, now)
        process.env.TZ = 'Asia/Kolkata'
        assert.ok(await it.read(at, now + 120_000 - it.traits.expiryResolutionMs))
        assert.equal(await it.read(at, now + 120_000), undefined)
      } finally {
        if (TZ === undefined) delete process.env.TZ
        else process.env.TZ = TZ
      }
    },
  ),
  store(
    'clocks-apart',
    'The store goes by the time that each call gives, half a minute behind its own clock or hours ahead, in every method.',
    async (context) => {
      const { store: it, key, record, now } = context
      for (const told of [now - 30_000, now + 7_200_000]) {
        const ann = subjectOf(context, 'ann')
        const at = key(ann.tag)
        const first = record({ subject: 'ann', expiresAt: told + 10_000 })
        assert.equal(await it.create(at, first, told), true)
        assert.ok(await it.read(at, told + 10_000 - it.traits.expiryResolutionMs))
        assert.equal(await it.touch(at, asExpected(first), told + 20_000, told + 9000), 'touched')
        assert.equal(await it.replace(at, asExpected(first), { ...first, revision: 2 }, told + 19_000), 'replaced')
        assert.equal(await it.read(at, told + 10_000), undefined)
        // The same ends by the time that was given, to the methods that look at several records, too.
        const [one, two] = [key(ann.tag), key(ann.tag)]
        for (const each of [one, two]) await it.create(each, first, told)
        for (const [moment, live] of [
          [told + 9000, 2],
          [told + 10_000, 0],
        ] as const) {
          const ids = live ? [one.id, two.id].toSorted() : []
          const mine = ({ tag }: SessionKey): boolean => tag === ann.tag
          if (live) await it.delete(at, told)
          if (it.list) assert.deepEqual(await listed(it, ann, moment), ids, 'list')
          if (it.all) assert.equal((await all(it.all(moment))).filter(([each]) => mine(each)).length, live, 'all')
          if (it.count) assert.equal(await sum(it.count(moment)), live, 'count')
        }
        assert.equal(await it.delete(one, told + 9000), true)
        if (it.deleteSubject) assert.ok([1, undefined].includes(await sum(it.deleteSubject(ann, told + 9000))))
        else await it.delete(two, told)
      }
    },
  ),
]

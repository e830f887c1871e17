import assert from 'node:assert/strict'
import type { SessionKey, SessionRecord, SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { MANY, trialOf } from '../../case-parts/paged.ts'
import { both, clause, processes, settled, sweeps, turns } from '../../case-parts/case.ts'

const store = clause('races', 'store')
/** How long ago a record must have expired for a sweep to remove it, in ms. */
const GRACE_MS = 60_000

/** A write to a record that expired `GRACE_MS` ago. It resolves to whether the store acknowledged the write. */
type Write = (at: SessionKey, first: SessionRecord, context: CaseContext) => Promise<boolean>

/** Writes to records while two clients sweep, many times. Each acknowledged write must be there. */
async function sweepsMeet(context: CaseContext, write: Write): Promise<void> {
  const { store: it, space, key, record, now, rounds } = context
  const first = record({ expiresAt: now - GRACE_MS })
  const sweepers = [await space.connect(), await space.connect()]
  const over = new AbortController()
  const swept = sweepers.map(async (client) => {
    while (!over.signal.aborted) {
      await sum(client.sweep!(now))
      await settled()
    }
  })
  const kept: SessionKey[] = []
  try {
    for (let round = 0; round < rounds(30); round++) {
      // There are several records, so that a sweep that removes one after another gives a write time to come in between.
      const keys = Array.from({ length: 5 }, () => key())
      await Promise.all(keys.map((at) => it.create(at, first, first.expiresAt - 60_000)))
      await turns(round % 6)
      await Promise.all(keys.map(async (at) => (await write(at, first, context)) && kept.push(at)))
    }
  } finally {
    over.abort()
    await Promise.all(swept)
  }
  for (const at of kept)
    assert.ok(await it.read(at, now, { fresh: true }), 'a write was acknowledged, and its record was swept')
}

async function createMany(it: SessionStore, { key, record, now }: CaseContext, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await it.create(key(), record({ expiresAt: now - GRACE_MS }), now - 120_000)
}

/** Cases on sweeps while other clients write and sweep. */
export const sweepRaces: readonly Case[] = [
  store(
    'parallel-sweeps',
    'Sweeps at once, one of them by a clock that is behind, remove each expired record once and no live one, and when all have ended nothing is left.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const others = [await space.connect(), await space.connect()]
      const live = key()
      await it.create(live, record(), now)
      await createMany(it, context, 150)
      const behind = sum(it.sweep!(now - 3_600_000))
      const swept = await Promise.all([it, ...others].map((client) => sum(client.sweep!(now))))
      assert.equal(await behind, 0)
      assert.equal(await sum(it.sweep!(now)), 0, 'the sweeps have ended, and a record is left')
      assert.equal(
        swept.reduce((total, some) => total + some),
        150,
      )
      assert.ok(await it.read(live, now))
      await createMany(it, context, 20)
      const [early, late] = [it.sweep!(now - 3_600_000), it.sweep!(now)]
      await Promise.all([sum(early), sum(late)])
      assert.equal(await sum(it.sweep!(now)), 0, 'a sweep beside one of a clock that is behind left a record')
    },
    sweeps,
  ),
  store(
    'sweeps-of-processes',
    'Sweeps of several processes at once remove each expired record once, and when all have ended nothing is left.',
    async (context) => {
      const { store: it, key, record, now } = context
      const live = key()
      await it.create(live, record({ expiresAt: now + 3_600_000 }), now)
      await createMany(it, context, 150)
      const swept = (await context.processes(3, { kind: 'sweep', now })) as number[]
      assert.equal(await sum(it.sweep!(now)), 0, 'the sweeps have ended, and a record is left')
      assert.equal(
        swept.reduce((total, some) => total + some),
        150,
      )
      assert.ok(await it.read(live, now, { fresh: true }))
    },
    both(processes, sweeps),
  ),
  store(
    'sweep-meets-touch',
    'A record whose touch was acknowledged before its end is not swept, however the two fall together.',
    (context) =>
      sweepsMeet(context, async (at, first, { store: it, now }) => {
        const answer = await it.touch(at, asExpected(first), now + 60_000, first.expiresAt - 1)
        assert.ok(answer !== 'conflict', 'nobody replaced the record')
        return answer === 'touched'
      }),
    sweeps,
  ),
  store(
    'sweep-meets-replace',
    'A record whose replace was acknowledged before its end is not swept, however the two fall together.',
    (context) =>
      sweepsMeet(context, async (at, first, { store: it, now }) => {
        const next = { ...first, revision: 2, expiresAt: now + 60_000 }
        const answer = await it.replace(at, asExpected(first), next, first.expiresAt - 1)
        assert.ok(answer !== 'conflict', 'nobody replaced the record')
        return answer === 'replaced'
      }),
    sweeps,
  ),
  store(
    'sweep-meets-create',
    'A create in the place of an expired record succeeds while that is swept, and the new record stays.',
    (context) =>
      sweepsMeet(context, async (at, first, { store: it, now }) => {
        assert.equal(await it.create(at, { ...first, expiresAt: now + 60_000 }, now), true)
        return true
      }),
    sweeps,
  ),
  store(
    'created-between-pages',
    'What is created between two pages of a sweep in the place of what had ended stays, whatever the sweep has seen of it.',
    async (context) => {
      const { store: it, space, record, now } = context
      const other = await space.connect()
      for (const writer of [other, it]) {
        const { keys, open } = await trialOf(context, 'sweep', MANY)
        const pages = open(it)[Symbol.asyncIterator]()
        await pages.next()
        for (const at of keys) assert.equal(await writer.create(at, record(), now), true)
        for (let page = 0; !(await pages.next()).done; page++)
          assert.ok(page < MANY, 'the sweep gives more pages than there were records')
        for (const at of keys) assert.ok(await it.read(at, now, { fresh: true }), 'a new record was swept')
      }
    },
    sweeps,
  ),
]

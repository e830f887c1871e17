import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { isSessError, type SessionKey, type SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, both, clause, processes, turns } from '../../case-parts/case.ts'
import { MANY, paged, PAGED, trialOf } from '../../case-parts/paged.ts'
import { promised, settle } from '../../case-parts/trouble.ts'
import { HarnessError } from '../../result.ts'

const store = clause('life-cycle', 'store')

const closes: Case['requires'] = ({ store: it }) =>
  it.close ? undefined : 'the store has no close(): it opens nothing'

/** The harness reaches the driver's client past the store. */
const pings: Case['requires'] = ({ space }) =>
  space.ping
    ? undefined
    : 'the harness has no ping: the store was given no client, or its client cannot be asked past it'

/** How much later than its client's close a request arrives at the latest, in ms. */
const LATE_MS = 50

const CLOSED = { code: 'store_unavailable' }

/** Cases on the life of a store, from its creation to its close. */
export const lifeCycle: readonly Case[] = [
  store(
    'close',
    'Close is idempotent, also while it is under way, and ends its own client alone: those that were opened before it and after it go on.',
    async ({ harness, store: it, space, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      // Where other processes reach the data, each client of this process is one by itself, too.
      const isAlone = (client: SessionStore): boolean => client === it && harness.process === undefined
      const goesOn = async (client: SessionStore): Promise<void> => {
        assert.ok(await client.read(at, now))
        const fresh = key()
        assert.equal(await client.create(fresh, record(), now), true)
        assert.equal(await client.delete(fresh, now), true)
      }
      for (const isUsed of [true, false]) {
        const [neighbour, other] = [await space.connect(), await space.connect()]
        if (isUsed) for (const client of [neighbour, other]) await goesOn(client)
        await Promise.all([other.close!(), other.close!(), other.close!()])
        await other.close!()
        await Promise.all([other.close!(), other.close!()])
        if (isAlone(other)) return
        for (const client of [it, neighbour, await space.connect()]) await goesOn(client)
      }
    },
    closes,
  ),
  store(
    'client-stays-open',
    'Close leaves the client alone that the store was given: the user made it, and it may serve others.',
    async ({ space, key, record, now }) => {
      const other = await space.connect()
      await other.create(key(), record(), now)
      try {
        await space.ping!(other)
      } catch (cause) {
        throw new HarnessError('ping() failed before the store was closed', { cause })
      }
      await other.close!()
      await assert.doesNotReject(space.ping!(other), 'the client that the store was given is of no use any more')
    },
    both(closes, pings),
  ),
  store(
    'use-after-close',
    'After close every method rejects with store_unavailable, and writes nothing.',
    async ({ space, key, record, now }) => {
      const [at, ann] = [key(), { id: 'ann', tag: key().tag }]
      const other = await space.connect()
      await other.create(at, record(), now)
      await other.close!()
      await assert.rejects(other.read(at, now), CLOSED, 'read')
      await assert.rejects(other.read(at, now, { fresh: true }), CLOSED, 'fresh read')
      await assert.rejects(other.create(key(), record(), now), CLOSED, 'create')
      await assert.rejects(other.replace(at, asExpected(record()), record({ revision: 2 }), now), CLOSED, 'replace')
      await assert.rejects(other.touch(at, asExpected(record()), now + 90_000, now), CLOSED, 'touch')
      await assert.rejects(other.delete(at, now), CLOSED, 'delete')
      if (other.list) await assert.rejects(all(other.list(ann, now)), CLOSED, 'list')
      if (other.deleteSubject) await assert.rejects(sum(other.deleteSubject(ann, now)), CLOSED, 'deleteSubject')
      if (other.all) await assert.rejects(all(other.all(now)), CLOSED, 'all')
      if (other.count) await assert.rejects(sum(other.count(now)), CLOSED, 'count')
      if (other.sweep) await assert.rejects(sum(other.sweep(now)), CLOSED, 'sweep')
      const third = await space.connect()
      if (third !== other) assert.equal((await third.read(at, now))?.revision, 1)
    },
    closes,
  ),
  store(
    'close-meets-calls',
    'A call that is under way when its client is closed ends, and what it answers is true; it throws store_unavailable only if nothing was or will be written.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const first = record()
      const expected = asExpected(first)
      const seen = (at: SessionKey) => it.read(at, now, { fresh: true })
      const isThere = async (at: SessionKey): Promise<boolean> => (await seen(at)) !== undefined
      const writes: readonly {
        readonly name: string
        call(other: SessionStore, at: SessionKey): Promise<unknown>
        readonly answer: unknown
        isDone(at: SessionKey): Promise<boolean>
      }[] = [
        { name: 'create', call: (other, at) => other.create(at, first, now), answer: true, isDone: isThere },
        {
          name: 'replace',
          call: (other, at) => other.replace(at, expected, { ...first, revision: 2 }, now),
          answer: 'replaced',
          isDone: async (at) => (await seen(at))?.revision === 2,
        },
        {
          name: 'touch',
          call: (other, at) => other.touch(at, expected, now + 120_000, now),
          answer: 'touched',
          isDone: async (at) => ((await seen(at))?.expiresAt ?? 0) > now + 90_000,
        },
        {
          name: 'delete',
          call: (other, at) => other.delete(at, now),
          answer: true,
          isDone: async (at) => !(await isThere(at)),
        },
      ]
      for (let i = 0; i < rounds(4); i++) {
        const [kept, ...keys] = [key(), ...writes.map(() => key())]
        for (const at of [kept, ...keys.slice(1)]) await it.create(at, first, now)
        const other = await space.connect()
        // Its connection is there by now.
        await other.read(kept, now)
        const read = settle(other.read(kept, now))
        const calls = writes.map(({ call }, nth) => settle(call(other, keys[nth]!)))
        await turns(i % 3)
        await other.close!()
        const answers = await Promise.all(calls)
        if (other === it) return
        const found = await read
        if (!('error' in found)) assert.ok(found.value, 'the read answered that there is nothing')
        // What a client has sent, and no longer waits for, arrives by then.
        if (answers.some(promised)) await setTimeout(LATE_MS)
        for (const [nth, { name, answer, isDone }] of writes.entries()) {
          const settled = answers[nth]!
          const done = await isDone(keys[nth]!)
          if (promised(settled)) assert.ok(!done, `the ${name} threw store_unavailable, and was done`)
          if (!('error' in settled)) assert.deepEqual([settled.value, done], [answer, true], name)
        }
      }
    },
    closes,
  ),
  store(
    'close-between-pages',
    'What works in pages, and whose client is closed before the end, goes on to the whole end or throws: it never ends as if nothing were left.',
    async (context) => {
      const { harness } = context
      for (const name of PAGED.filter((one) => one in context.store))
        for (const isUnderWay of [false, true]) {
          const space = await harness.open()
          try {
            const it = await space.connect()
            const { open, total } = await trialOf({ ...context, space, store: it }, name, MANY)
            const iterator = open(it)[Symbol.asyncIterator]()
            const pages: unknown[] = []
            let next = await iterator.next()
            const rest = async (): Promise<void> => {
              for (; !next.done; next = await iterator.next()) pages.push(next.value)
            }
            if (!isUnderWay) await it.close!()
            const [answer] = await Promise.all([settle(rest()), isUnderWay && it.close!()])
            if ('error' in answer) {
              assert.ok(
                isUnderWay || isSessError(answer.error, 'store_unavailable'),
                `${name} threw ${String(answer.error)}`,
              )
              continue
            }
            const found = total(pages)
            assert.ok(
              found === MANY || (found === undefined && name === 'deleteSubject'),
              `${name}: ${found} of ${MANY}`,
            )
            if (name !== 'deleteSubject' || space.store === it) continue
            assert.equal(total(await all(open(space.store))) ?? 0, 0, 'the revocation has ended, and a record is left')
          } finally {
            await space.close()
          }
        }
    },
    both(closes, paged),
  ),
  store(
    'close-of-what-is-left',
    'Close ends, whatever calls that work in pages were made before and never asked for a page, or for another.',
    async (context) => {
      const { space, store: it } = context
      for (const name of PAGED.filter((one) => one in it)) {
        const { open } = await trialOf(context, name, 2)
        const other = await space.connect()
        open(other)
        open(other)[Symbol.asyncIterator]()
        await open(other)[Symbol.asyncIterator]().next()
        await other.close!()
        if (other === it) return
      }
    },
    both(closes, paged),
  ),
  store(
    'no-timer-is-left',
    'A client that was used and closed leaves no timer behind.',
    async ({ harness, key, record, now }) => {
      const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
      const before = timers()
      for (let i = 0; i < 5; i++) {
        const space = await harness.open()
        const other = await space.connect()
        for (const client of new Set([space.store, other])) {
          const at = key()
          await client.create(at, record({ subject: 'ann' }), now)
          await client.read(at, now)
          await client.delete(at, now)
        }
        await other.close?.()
        await space.close()
      }
      assert.ok(timers() < before + 5, `after five clients ${timers() - before} more timers hold the process`)
    },
  ),
  {
    ...store(
      'process-ends',
      'A process that has used the store and closed its client ends by itself.',
      async ({ store: it, key, record, now, processes: run }) => {
        const at = key()
        await it.create(at, record(), now)
        assert.deepEqual(await run(1, { kind: 'read', key: at, now }), [true])
      },
      processes,
    ),
    patience: 20_000,
  },
]

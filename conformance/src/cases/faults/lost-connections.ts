import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { isSessError, type AnyRecord, type ExpectedRecord, type SessionKey, type SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { HarnessError } from '../../result.ts'
import { all, both, clause, counts, listed, lists, listsAll, revokes, sweeps } from '../../case-parts/case.ts'
import {
  agree,
  created,
  harnessMakes,
  payloadOf,
  promised,
  recovered,
  settle,
  spare,
  strikes,
  type Settled,
} from '../../case-parts/trouble.ts'

const store = clause('faults', 'store', 'fault')
const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]
/** How many requests of a call are cut at most. */
const MOST_REQUESTS = 25
/** How many calls lose their connection one after the other. */
const MANY_LOST = 20
/** How long a case watches for a lost write that the client sends again, and the time between two looks, in ms. */
const [WATCH_MS, LOOK_MS] = [1000, 20]

/** A trial with one lost connection. */
interface Cut {
  /** A live record of the subject `ann`, alone under its tag. */
  readonly key: SessionKey
  readonly record: ExpectedRecord
  /** A client without faults. */
  readonly other: SessionStore
  /** Makes a call whose connection is lost, and waits until the client works again. */
  during<T>(call: () => Promise<T>): Promise<Settled<T>>
}

/** Each kind of cut, and how many requests in a row lose their connection: by the second one a client may look for its write. */
const LOSSES: readonly (readonly [cut: Fault, times: number])[] = [
  ...CUTS.map((cut) => [cut, 1] as const),
  ['cut-after', 2],
]

/** Runs a trial for each loss that the harness can make, at each request of the call. */
async function eachCut(context: CaseContext, run: (cut: Cut) => Promise<void>): Promise<void> {
  const { record, now, space } = context
  const { store: it, faults } = context.faulty(...CUTS)
  const other = await space.connect()
  for (const [cut, times] of LOSSES.filter(([fault]) => faults.offers.includes(fault)))
    for (let after = 0; after < MOST_REQUESTS; after++) {
      const at = await created(context, record({ subject: 'ann', payload: Buffer.from('first') }))
      const read = (await recovered(it, at, now))!
      const { struck } = faults
      const during = async <T>(call: () => Promise<T>): Promise<Settled<T>> => {
        faults.inject(cut, { after, times })
        const answer = await settle(call())
        await faults.heal()
        await recovered(it, at, now)
        return answer
      }
      try {
        await run({ key: at, record: read, other, during })
        await agree(context, other, at)
      } catch (error) {
        if (error instanceof assert.AssertionError)
          error.message = `${cut} at request ${after + 1} of the call, ${times} in a row: ${error.message}`
        throw error
      }
      if (faults.struck > struck) continue
      if (after === 0) throw new HarnessError(`${cut} never struck: the client must go through the proxy`)
      break
    }
}

const cuts = harnessMakes(...CUTS)

/** Makes a case on a write under each cut: the write was applied and says so, or it throws the right error. */
function cutWrite(
  what: string,
  text: string,
  write: (context: CaseContext, key: SessionKey, record: ExpectedRecord) => Promise<unknown>,
  done: unknown,
  isDone: (record: AnyRecord | undefined, context: CaseContext) => boolean,
): Case {
  const run = async (context: CaseContext): Promise<void> => {
    // The first write has no fault: a driver may send further requests at its first write.
    await write(context, ...(await spare(context, context.record())))
    await eachCut(context, async ({ key, record, other, during }) => {
      const answer = await during(() => write(context, key, record))
      const seen = isDone(await other.read(key, context.now, { fresh: true }), context)
      if ('error' in answer) {
        if (promised(answer)) assert.ok(!seen, `it threw ${told(answer.error)}, and the write is there`)
      } else {
        assert.deepEqual(answer.value, done)
        assert.ok(seen, `it answered ${String(done)}, and the write is not there`)
      }
    })
  }
  return store(what, text, run, cuts)
}

const told = (error: unknown): string => (isSessError(error) ? error.code : String(error))

/** Cases on a store whose connection to its server is lost, at any request of a call. */
export const lostConnections: readonly Case[] = [
  store(
    'cut-read',
    'A read whose connection is lost is the record or an error, never a missing record.',
    (context) =>
      eachCut(context, async ({ key, during }) => {
        const answer = await during(() => context.store.read(key, context.now, { fresh: true }))
        if (!('error' in answer)) assert.equal(payloadOf(answer.value), 'first')
      }),
    cuts,
  ),
  cutWrite(
    'cut-replace',
    'A replace whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) =>
      it.replace(key, record, { ...record, revision: record.revision + 1, payload: Buffer.from('second') }, now),
    'replaced',
    (record) => payloadOf(record) === 'second',
  ),
  store(
    'cut-replace-beaten',
    'A replace whose connection is lost does not take the write of another client, of the same revision, for its own.',
    async (context) => {
      const { store: it, space, record, now } = context
      const faults = space.faults!
      const other = await space.connect()
      const write = (store: SessionStore, key: SessionKey, read: ExpectedRecord, text: string) =>
        store.replace(key, read, { ...read, revision: read.revision + 1, payload: Buffer.from(text) }, now)
      for (let after = 0; after < MOST_REQUESTS; after++) {
        const key = await created(context, record())
        const [mine, theirs] = [await recovered(it, key, now), await recovered(other, key, now)]
        const { struck } = faults
        faults.inject('cut-before', { after })
        const lost = settle(write(it, key, mine!, 'mine'))
        if (!(await strikes(faults, struck, lost))) {
          await faults.heal()
          break
        }
        // Requests by which the client now looks for the outcome arrive after the other client's write.
        faults.inject('late', { ms: 100 })
        const won = await write(other, key, theirs!, 'theirs')
        const answer = await lost
        await faults.heal()
        if (!('error' in answer) && answer.value === 'replaced') assert.equal(won, 'conflict')
        const seen = payloadOf(await other.read(key, now, { fresh: true }))
        assert.equal(seen, won === 'replaced' ? 'theirs' : 'mine')
      }
    },
    both(harnessMakes('cut-before'), harnessMakes('late')),
  ),
  cutWrite(
    'cut-touch',
    'A touch whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) => it.touch(key, record, now + 120_000, now),
    'touched',
    (record, { now }) => (record?.expiresAt ?? 0) > now + 90_000,
  ),
  cutWrite(
    'cut-delete',
    'A delete whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key) => it.delete(key, now),
    true,
    (record) => record === undefined,
  ),
  store(
    'cut-create',
    'A create whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    (context) =>
      eachCut(context, async ({ record, other, during }) => {
        const { store: it, key, now } = context
        const at = key()
        const answer = await during(() => it.create(at, { ...record }, now))
        const seen = await other.read(at, now, { fresh: true })
        if (promised(answer)) assert.equal(seen, undefined, 'it promised that nothing was written, and it was')
        if (!('error' in answer)) assert.deepEqual([answer.value, payloadOf(seen)], [true, 'first'])
        await agree(context, other, at)
      }),
    cuts,
  ),
  store(
    'cut-and-deleted',
    'A write whose connection was lost is not retried later: a record that is deleted after it stays deleted.',
    async (context) => {
      const { store: it, key: keyOf, now } = context
      const deleted: [SessionKey, string][] = []
      const writes = {
        create: (key: SessionKey, record: ExpectedRecord) => it.create(key, { ...record }, now),
        replace: (key: SessionKey, record: ExpectedRecord) =>
          it.replace(key, record, { ...record, revision: record.revision + 1 }, now),
        touch: (key: SessionKey, record: ExpectedRecord) => it.touch(key, record, now + 120_000, now),
      }
      let other: SessionStore | undefined
      for (const [name, write] of Object.entries(writes))
        await eachCut(context, async (cut) => {
          const at = name === 'create' ? keyOf() : cut.key
          await cut.during<unknown>(() => write(at, cut.record))
          other = cut.other
          await other.delete(at, now)
          deleted.push([at, name])
        })
      const began = performance.now()
      while (performance.now() - began < WATCH_MS) {
        await setTimeout(LOOK_MS)
        for (const [at, name] of deleted)
          assert.equal(await other!.read(at, now, { fresh: true }), undefined, `a lost ${name} came after the delete`)
      }
    },
    cuts,
  ),
  store(
    'cut-delete-subject',
    'A revocation whose connection is lost was done, or throws; it promises nothing of the sessions that it has not counted by then.',
    (context) =>
      eachCut(context, async ({ key: one, record, other, during }) => {
        const { store: it, key, now } = context
        const keys = [one, key(one.tag), key(one.tag)]
        for (const at of keys.slice(1)) await it.create(at, { ...record }, now)
        let counted: number | undefined = 0
        const answer = await during(async () => {
          for await (const went of it.deleteSubject!({ id: 'ann', tag: one.tag }, now))
            counted = went === undefined || counted === undefined ? undefined : counted + went
        })
        let gone = 0
        for (const at of keys) if (!(await other.read(at, now, { fresh: true }))) gone++
        if (!('error' in answer)) assert.deepEqual([counted ?? 3, gone], [3, 3])
        else if (promised(answer) && counted !== undefined)
          assert.ok(
            gone <= counted,
            `it threw ${told(answer.error)} after it had counted ${counted}, and ${gone} are gone`,
          )
      }),
    both(cuts, revokes),
  ),
  store(
    'many-lost',
    'However many calls have lost their connection, from the first call of a client on, every other is answered by what is stored, or throws; then the client works as before, and its close ends.',
    async ({ harness, key, record, now }) => {
      const space = await harness.open()
      try {
        const it = space.store
        const faults = space.faults!
        const other = await space.connect()
        const [at, fresh] = [key(), key()]
        const first = record({ subject: 'ann', payload: Buffer.from('first') })
        await other.create(at, first, now)
        faults.inject('cut-before', { times: Infinity })
        for (let call = 0; call < MANY_LOST; call++) {
          const answer = await settle(
            call % 5 < 3 || !it.list
              ? it.read(at, now, { fresh: call % 2 > 0 }).then(payloadOf)
              : all(it.list({ id: 'ann', tag: at.tag }, now)).then(([entry]) => payloadOf(entry?.[1])),
          )
          if (!('error' in answer))
            assert.equal(answer.value, 'first', `call ${call + 1} answered that nothing is there`)
          await settle(it.touch(at, asExpected(first), now + 50_000, now))
        }
        await faults.heal()
        assert.equal(payloadOf(await recovered(it, at, now)), 'first')
        assert.equal(await it.create(fresh, record(), now), true)
        assert.equal(await it.touch(at, asExpected(first), now + 90_000, now), 'touched')
        assert.equal(await it.replace(at, asExpected(first), { ...first, revision: 2 }, now), 'replaced')
        if (it.list) assert.deepEqual(await listed(it, { id: 'ann', tag: at.tag }, now), [at.id])
        assert.equal(await it.delete(at, now), true)
        await it.close?.()
      } finally {
        await space.close()
      }
    },
    harnessMakes('cut-before'),
  ),
  store(
    'cut-list',
    'A list whose connection is lost is whole, or throws.',
    (context) =>
      eachCut(context, async ({ key: one, record, during }) => {
        const { store: it, key, now } = context
        const two = key(one.tag)
        await it.create(two, { ...record }, now)
        const answer = await during(() => listed(it, { id: 'ann', tag: one.tag }, now))
        if (!('error' in answer)) assert.deepEqual(answer.value, [one.id, two.id].toSorted())
      }),
    both(cuts, lists),
  ),
  store(
    'cut-all',
    'A list of all sessions whose connection is lost is whole, or throws.',
    (context) =>
      eachCut(context, async ({ other, during }) => {
        const { store: it, now } = context
        const ids = (found: (readonly [SessionKey, unknown])[]): string[] => found.map(([{ id }]) => id).toSorted()
        const answer = await during(() => all(it.all!(now)))
        if (!('error' in answer)) assert.deepEqual(ids(answer.value), ids(await all(other.all!(now))))
      }),
    both(cuts, listsAll),
  ),
  store(
    'cut-count',
    'A count whose connection is lost is right, or throws: it is never 0 because no server answered.',
    (context) =>
      eachCut(context, async ({ other, during }) => {
        const { store: it, now } = context
        const answer = await during(() => sum(it.count!(now)))
        if (!('error' in answer)) assert.equal(answer.value, await sum(other.count!(now)))
      }),
    both(cuts, counts),
  ),
  store(
    'cut-sweep',
    'A sweep whose connection is lost has left nothing behind, or throws.',
    (context) =>
      eachCut(context, async ({ record, other, during }) => {
        const { store: it, now } = context
        const ended = { ...record, expiresAt: now - 120_000 }
        for (let i = 0; i < 3; i++) await created({ ...context, now: now - 180_000 }, ended)
        const answer = await during(() => sum(it.sweep!(now)))
        const left = await sum(other.sweep!(now))
        if (!('error' in answer)) assert.equal(left, 0, `it answered ${answer.value}, and had left ${left} behind`)
      }),
    both(cuts, sweeps),
  ),
  store(
    'mixed-answers',
    'After an answer was cut short, every answer is about the record that was asked for.',
    async (context) => {
      const { key, record, now } = context
      const { store: it, faults } = context.faulty(...CUTS)
      const keys = Array.from({ length: 5 }, () => key())
      for (const [i, at] of keys.entries())
        await it.create(at, record({ payload: Buffer.from(`record ${i} `.repeat(50)) }), now)
      const readAll = (): Promise<unknown> =>
        Promise.all(
          keys.map(async (at, i) => {
            const answer = await settle(it.read(at, now, { fresh: true }))
            if (!('error' in answer)) assert.equal(payloadOf(answer.value), `record ${i} `.repeat(50))
          }),
        )
      for (let round = 0; round < context.rounds(6); round++) {
        for (const cut of (['cut-mid-reply', 'cut-after'] as const).filter((fault) => faults.offers.includes(fault))) {
          faults.inject(cut)
          await readAll()
          await readAll()
          await recovered(it, keys[round % keys.length]!, now)
          await readAll()
        }
      }
    },
    harnessMakes('cut-mid-reply', 'cut-after'),
  ),
]

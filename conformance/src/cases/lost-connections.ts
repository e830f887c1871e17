import assert from 'node:assert/strict'
import { isSessError, type SessionKey, type AnyRecord, type ExpectedRecord, type SessionStore } from '@sess/core'
import { sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../contract.ts'
import type { Fault } from '../faults.ts'
import { HarnessError } from '../result.ts'
import { clause } from './case.ts'
import { payloadOf, promised, recovered, settle, sockets, spare } from './trouble.ts'

const store = clause('faults', 'store', 'fault')
const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]

/** Each kind of cut that the harness can make, with a record and a client that has no trouble. */
async function eachCut(
  context: CaseContext,
  run: (key: SessionKey, record: ExpectedRecord, strike: () => void, other: SessionStore) => Promise<void>,
): Promise<void> {
  const { key, record, now, space } = context
  const { store: it, faults } = context.faulty()
  const other = await space.connect()
  for (const cut of CUTS.filter((one) => faults.offers.includes(one))) {
    const at = key()
    const first = record({ subject: 'ann', payload: Buffer.from('first') })
    await it.create(at, first, now)
    const read = (await recovered(it, at, now))!
    const { struck } = faults
    await run(at, read, () => faults.inject(cut), other)
    if (faults.struck === struck) throw new HarnessError(`${cut} never struck: the client must go through the proxy`)
    await faults.heal()
    await recovered(it, at, now)
  }
}

/** A write under each cut: either it says that it was done, or it throws what is true. */
function cutWrite(
  what: string,
  text: string,
  write: (context: CaseContext, key: SessionKey, record: ExpectedRecord) => Promise<unknown>,
  done: unknown,
  isDone: (record: AnyRecord | undefined) => boolean,
): Case {
  const run = (context: CaseContext): Promise<void> =>
    eachCut(context, async (key, record, strike, other) => {
      // Once without trouble: a driver may have something to learn first.
      await write(context, ...(await spare(context, { ...record })))
      strike()
      const answer = await settle(write(context, key, record))
      await recovered(context.store, key, context.now)
      const seen = await other.read(key, context.now, { fresh: true })
      if ('error' in answer) {
        if (promised(answer)) assert.ok(!isDone(seen), `it threw ${told(answer.error)}, and the write is there`)
      } else {
        assert.deepEqual(answer.value, done)
        assert.ok(isDone(seen), `it answered ${String(done)}, and the write is not there`)
      }
    })
  return store(what, text, run, sockets)
}

const told = (error: unknown): string => (isSessError(error) ? error.code : String(error))

/** What a store says when the connection to its server is lost. */
export const lostConnections: readonly Case[] = [
  store(
    'cut-read',
    'A read whose connection is lost is the record or an error, never a missing record.',
    (context) =>
      eachCut(context, async (key, _, strike) => {
        strike()
        const answer = await settle(context.store.read(key, context.now, { fresh: true }))
        if (!('error' in answer)) assert.equal(payloadOf(answer.value), 'first')
      }),
    sockets,
  ),
  cutWrite(
    'cut-replace',
    'A replace whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) =>
      it.replace(key, record, { ...record, revision: record.revision + 1, payload: Buffer.from('second') }, now),
    'replaced',
    (record) => payloadOf(record) === 'second',
  ),
  cutWrite(
    'cut-touch',
    'A touch whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) => it.touch(key, record, record.expiresAt + 60_000, now),
    'touched',
    (record) => (record?.expiresAt ?? 0) > Date.now() + 70_000,
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
      eachCut(context, async (_, record, strike, other) => {
        const { store: it, key, now } = context
        const at = key()
        strike()
        const answer = await settle(it.create(at, { ...record }, now))
        await recovered(it, at, now)
        const seen = await other.read(at, now, { fresh: true })
        if (promised(answer)) assert.equal(seen, undefined, 'it promised that nothing was written, and it was')
        if (!('error' in answer)) assert.deepEqual([answer.value, payloadOf(seen)], [true, 'first'])
      }),
    sockets,
  ),
  store(
    'cut-delete-subject',
    'A revocation whose connection is lost was done, or throws; it never answers that there was nobody.',
    (context) =>
      eachCut(context, async (key, _, strike, other) => {
        const { store: it, now } = context
        strike()
        const answer = await settle(sum(it.deleteSubject!({ id: 'ann', tag: key.tag }, now)))
        await recovered(it, key, now)
        const seen = await other.read(key, now, { fresh: true })
        if ('error' in answer) {
          if (promised(answer)) assert.ok(seen, `it threw ${told(answer.error)}, and the session is gone`)
        } else assert.deepEqual([answer.value ?? 1, seen], [1, undefined])
      }),
    (context) => sockets(context) ?? (context.store.deleteSubject ? undefined : 'there is no deleteSubject()'),
  ),
  store(
    'mixed-answers',
    'After an answer was cut short, every answer is about the record that was asked for.',
    async (context) => {
      const { key, record, now } = context
      const { store: it, faults } = context.faulty()
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
        for (const cut of ['cut-mid-reply', 'cut-after'] as const) {
          faults.inject(cut)
          await readAll()
          await readAll()
          await recovered(it, keys[round % keys.length]!, now)
          await readAll()
        }
      }
    },
    sockets,
  ),
]

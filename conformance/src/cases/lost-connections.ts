import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { SessError, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../contract.ts'
import type { Fault } from '../faults.ts'
import { HarnessError } from '../result.ts'
import { clause, restarts } from './case.ts'

const store = clause('faults', 'store', 'fault')

/** How long a client may take to be of use again, in ms. */
const RECOVERY = 20_000
/** How long a client has to notice that its connection is lost, and how long a server stays away, in ms. */
const [LOSS, OUTAGE] = [100, 500]
const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]
/** The codes that promise that a write was not and will not be applied. */
const PROMISES: readonly unknown[] = ['store_unavailable', 'store_full', 'too_large', 'unsupported']

const sockets: NonNullable<Case['requires']> = ({ space }) =>
  space.faults ? undefined : 'the harness has no faults: there is no socket between the store and its server'

type Settled<T> = { readonly value: T; readonly error?: undefined } | { readonly error: unknown }

const settle = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

const promised = ({ error }: Settled<unknown>): boolean => error instanceof SessError && PROMISES.includes(error.code)

/** Waits until the store answers again, with no new client. */
async function recovered(it: SessionStore, key: SessionKey, now: number): Promise<SessionRecord | undefined> {
  const began = performance.now()
  for (;;) {
    const answer = await settle(it.read(key, now, true))
    if (!('error' in answer)) return answer.value
    if (performance.now() - began > RECOVERY)
      throw new Error(`the same client is of no use ${RECOVERY / 1000} s after the trouble ended`, {
        cause: answer.error,
      })
    await setTimeout(50)
  }
}

/** Calls of a server that is away: none may answer. One may wait for it; core does not wait with it. */
class Away {
  #answered: string | undefined
  #isBack = false

  async ask<T>(name: string, call: Promise<T>): Promise<Settled<T>> {
    const answer = await settle(call)
    if (!('error' in answer) && !this.#isBack) this.#answered ??= name
    return answer
  }

  /** Waits this long, in ms. */
  async passes(ms: number): Promise<void> {
    await setTimeout(ms)
    assert.equal(this.#answered, undefined, `${this.#answered} answered, and nobody could know`)
  }

  back(): void {
    this.#isBack = true
  }
}

/** Each kind of cut that the harness can make, with a record and a client that has no trouble. */
async function eachCut(
  context: CaseContext,
  run: (key: SessionKey, record: SessionRecord, strike: () => void, other: SessionStore) => Promise<void>,
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
  write: (context: CaseContext, key: SessionKey, record: SessionRecord) => Promise<unknown>,
  done: unknown,
  isDone: (record: SessionRecord | undefined) => boolean,
): Case {
  const run = (context: CaseContext): Promise<void> =>
    eachCut(context, async (key, record, strike, other) => {
      // Once without trouble: a driver may have something to learn first.
      await write(context, ...(await spare(context, record)))
      strike()
      const answer = await settle(write(context, key, record))
      await recovered(context.store, key, context.now)
      const seen = await other.read(key, context.now, true)
      if ('error' in answer) {
        if (promised(answer)) assert.ok(!isDone(seen), `it threw ${told(answer.error)}, and the write is there`)
      } else {
        assert.deepEqual(answer.value, done)
        assert.ok(isDone(seen), `it answered ${String(done)}, and the write is not there`)
      }
    })
  return store(what, text, run, sockets)
}

/** Another record that the same write can be done to. */
async function spare(
  { store: it, key, now }: CaseContext,
  record: SessionRecord,
): Promise<[SessionKey, SessionRecord]> {
  const at = key()
  await it.create(at, record, now)
  return [at, (await it.read(at, now))!]
}

const told = (error: unknown): string => (error instanceof SessError ? error.code : String(error))
const payloadOf = (record: SessionRecord | undefined): string => Buffer.from(record?.payload ?? []).toString()

/** What a store says when the connection to its server is lost. */
export const lostConnections: readonly Case[] = [
  store(
    'cut-read',
    'A read whose connection is lost is the record or an error, never a missing record.',
    (context) =>
      eachCut(context, async (key, _, strike) => {
        strike()
        const answer = await settle(context.store.read(key, context.now, true))
        if (!('error' in answer)) assert.equal(payloadOf(answer.value), 'first')
      }),
    sockets,
  ),
  cutWrite(
    'cut-replace',
    'A replace whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) =>
      it.replace(key, { ...record, revision: record.revision + 1, payload: Buffer.from('second') }, record, now),
    'replaced',
    (record) => payloadOf(record) === 'second',
  ),
  cutWrite(
    'cut-touch',
    'A touch whose connection is lost was done, or throws, and throws store_unavailable only if it never will be.',
    ({ store: it, now }, key, record) => it.touch(key, record.expiresAt + 60_000, record, now),
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
        const answer = await settle(it.create(at, record, now))
        await recovered(it, at, now)
        const seen = await other.read(at, now, true)
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
        const answer = await settle(it.deleteSubject!({ id: 'ann', tag: key.tag }, now))
        await recovered(it, key, now)
        const seen = await other.read(key, now, true)
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
            const answer = await settle(it.read(at, now, true))
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
  store('slow-answers', 'A slow answer is as good as a quick one.', async (context) => {
    const { key, record, now } = context
    const { store: it, faults } = context.faulty()
    const at = key()
    faults.inject('slow', { ms: 200 })
    assert.equal(await it.create(at, record(), now), true)
    const read = (await it.read(at, now))!
    faults.inject('slow', { ms: 200 })
    assert.equal(await it.replace(at, { ...read, revision: 2 }, read, now), 'replaced')
    faults.inject('slow', { ms: 200 })
    assert.equal((await it.read(at, now))?.revision, 2)
  }),
  store(
    'late-replace',
    'A replace that is sent before a delete, and arrives after it, brings nothing back.',
    async (context) => {
      const { key, record, now, space } = context
      const { store: it, faults } = context.faulty()
      const other = await space.connect()
      const at = key()
      await it.create(at, record(), now)
      const read = (await it.read(at, now))!
      const { struck } = faults
      faults.inject('late', { ms: 300 })
      const late = settle(it.replace(at, { ...read, revision: 2 }, read, now))
      while (faults.struck === struck) await setTimeout(1)
      await faults.heal()
      assert.equal(await other.delete(at, now), true)
      const answer = await late
      if (!('error' in answer)) assert.equal(answer.value, 'missing')
      await setTimeout(100)
      assert.equal(await other.read(at, now, true), undefined)
    },
  ),
  store(
    'down',
    'While the server is away no method answers, and what threw store_unavailable is not done later; then all goes on.',
    async (context) => {
      const { key, record, now, space } = context
      const { store: it, faults } = context.faulty()
      const other = await space.connect()
      const made = (): Promise<[SessionKey, SessionRecord]> => spare(context, record({ payload: Buffer.from('first') }))
      const [[a, ra], [b, rb], [c]] = [await made(), await made(), await made()] as const
      const fresh = key()
      faults.inject('down')
      // The first one meets the loss, the others a server that is not there.
      const away = new Away()
      away.ask('read', it.read(a, now))
      await away.passes(LOSS)
      away.ask('read', it.read(b, now))
      const created = away.ask('create', it.create(fresh, record(), now))
      const replaced = away.ask('replace', it.replace(a, { ...ra, revision: 2 }, ra, now))
      const touched = away.ask('touch', it.touch(b, now + 120_000, rb, now))
      const deleted = away.ask('delete', it.delete(c, now))
      await away.passes(OUTAGE)
      away.back()
      await faults.heal()
      await recovered(it, key(), now)
      const seen = (at: SessionKey): Promise<SessionRecord | undefined> => other.read(at, now, true)
      const answers = await Promise.all([created, replaced, touched, deleted])
      await setTimeout(100)
      const done = [
        (await seen(fresh)) !== undefined,
        (await seen(a))?.revision === 2,
        (await seen(b))?.expiresAt === now + 120_000,
        (await seen(c)) === undefined,
      ]
      for (const [i, name] of ['create', 'replace', 'touch', 'delete'].entries()) {
        if (promised(answers[i]!)) assert.ok(!done[i], `the ${name} threw store_unavailable, and was done later`)
        if (!('error' in answers[i]!)) assert.ok(done[i], `the ${name} answered, and was not done`)
      }
    },
    sockets,
  ),
  store(
    'restart',
    'After a restart the same client goes on; nothing that was deleted is back, and what is there is as it was written.',
    async ({ store: it, space, key, record, now }) => {
      const [kept, gone] = [key(), key()]
      const written = record({ payload: Buffer.from('kept'), expiresAt: now + 600_000 })
      await it.create(kept, written, now)
      await it.create(gone, written, now)
      assert.equal(await it.delete(gone, now), true)
      await space.restart!()
      const read = await recovered(it, kept, now)
      if (read) assert.deepEqual([payloadOf(read), read.revision, read.expiresAt], ['kept', 1, written.expiresAt])
      assert.equal(await it.read(gone, now, true), undefined)
      const at = key()
      assert.equal(await it.create(at, record(), now), true)
      assert.ok(await it.read(at, now, true))
    },
    restarts,
  ),
]

import { randomBytes } from 'node:crypto'
import type { ExpectedRecord, SessionKey, SessionStore, Subject } from '@sess/core'
import { sum } from '@sess/core/adapter'
import { all } from './case-parts/case.ts'
import { contextOf } from './context.ts'
import type { CaseContext, Harness } from './contract.ts'
import { closeSpace, openSpace } from './preflight.ts'
import { Recorder } from './recorder.ts'

/** The measurement of one operation, whose calls run one after another. */
export interface BenchRow {
  readonly operation: string
  /** How many times the operation was measured. */
  readonly times: number
  /** The median, in ms. */
  readonly p50: number
  /** The 99th percentile, in ms. */
  readonly p99: number
  /** Calls into the store for each operation. */
  readonly calls: number
  /** Requests to the server for each operation. Absent if the harness has no socket at which to count them. */
  readonly roundTrips?: number
}

/** An operation: `prepare` is not measured. */
interface Operation {
  readonly name: string
  readonly prepare: (context: CaseContext) => Promise<() => Promise<unknown>>
}

const TIMES = 500
const WARM_UP = 20

/** Measures a store, and sessions over it, with payloads of 512 bytes. @param patience - In ms, of one call into the harness. */
export async function bench(harness: Harness, patience: number): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = []
  for (const operation of operations) {
    const space = await openSpace(harness, patience)
    const recorder = new Recorder(Date.now())
    const context = contextOf(harness, space, recorder, {}, new AbortController().signal)
    const usable = await operation.prepare(context).then(
      () => true,
      () => false,
    )
    if (usable) rows.push(await measure(operation, context, recorder))
    await closeSpace(space, patience)
  }
  return rows
}

async function measure({ name, prepare }: Operation, context: CaseContext, recorder: Recorder): Promise<BenchRow> {
  const { faults } = context.space
  const times: number[] = []
  let [calls, requests] = [0, 0]
  for (let i = 0; i < TIMES + WARM_UP; i++) {
    const run = await prepare(context)
    const [callsBefore, requestsBefore] = [recorder.calls, faults?.requests ?? 0]
    const began = performance.now()
    await run()
    const ms = performance.now() - began
    if (i < WARM_UP) continue
    times.push(ms)
    calls += recorder.calls - callsBefore
    requests += (faults?.requests ?? 0) - requestsBefore
  }
  times.sort((a, b) => a - b)
  const at = (share: number): number => Number(times[Math.ceil(share * TIMES) - 1]!.toPrecision(3))
  return {
    operation: name,
    times: TIMES,
    p50: at(0.5),
    p99: at(0.99),
    calls: calls / TIMES,
    ...(faults?.requests !== undefined && { roundTrips: requests / TIMES }),
  }
}

async function written({ store, key, record, now }: CaseContext): Promise<[SessionKey, ExpectedRecord]> {
  const at = key()
  await store.create(at, record({ payload: randomBytes(512) }), now)
  return [at, (await store.read(at, now))!]
}

const ofStore = (
  name: string,
  run: (context: CaseContext, key: SessionKey, record: ExpectedRecord) => Promise<unknown>,
): Operation => ({
  name: `store: ${name}`,
  prepare: async (context) => {
    const [key, record] = await written(context)
    return () => run(context, key, record)
  },
})

/** An operation on ten records of one subject, such as a list or a revocation. */
const ofSubject = (
  name: string,
  run: (store: SessionStore, subject: Subject, now: number) => Promise<unknown> | undefined,
): Operation => ({
  name: `store: ${name} ten of a subject`,
  prepare: async ({ store, key, record, now }) => {
    if (!store.list || !store.deleteSubject) throw new Error('the store has no list() or no deleteSubject()')
    const { tag } = key()
    for (let i = 0; i < 10; i++) await store.create(key(tag), record({ subject: 'ann' }), now)
    return async () => run(store, { id: 'ann', tag }, now)
  },
})

const ofSession = (
  name: string,
  run: (session: Awaited<ReturnType<ReturnType<CaseContext['sessions']>['load']>>) => Promise<unknown>,
): Operation => ({
  name: `sessions: ${name}`,
  prepare: async (context) => {
    const sessions = context.sessions()
    const first = await sessions.load(undefined)
    first.data.cart = ['x'.repeat(400)]
    const { cookieValue } = await first.commit()
    return async () => run(await sessions.load(cookieValue))
  },
})

const operations: readonly Operation[] = [
  ofStore('create', ({ store, key, record, now }) => store.create(key(), record({ payload: Buffer.alloc(512) }), now)),
  ofStore('read', ({ store, now }, key) => store.read(key, now)),
  ofStore('replace', ({ store, now }, key, record) =>
    store.replace(key, record, { ...record, revision: record.revision + 1 }, now),
  ),
  ofStore('touch', ({ store, now }, key, record) => store.touch(key, record, now + 90_000, now)),
  ofStore('delete', ({ store, now }, key) => store.delete(key, now)),
  ofSubject('list', (store, subject, now) => all(store.list!(subject, now))),
  ofSubject('revoke', (store, subject, now) => sum(store.deleteSubject!(subject, now))),
  ofSession('load', async () => undefined),
  ofSession('load, commit a change', (session) => {
    session.data.n = 1
    return session.commit()
  }),
  ofSession('load, update', (session) => session.update((data) => void (data.n = 1))),
  ofSession('load, regenerate', (session) => session.regenerate()),
  ofSession('load, login', (session) => session.login('ann')),
  ofSession('load, logout', (session) => session.logout()),
]

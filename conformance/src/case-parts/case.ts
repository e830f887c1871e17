import assert from 'node:assert/strict'
import type { AnyRecord, Session, Sessions, SessionKey, SessionRecord, SessionStore, Subject } from '@sess/core'
import { asExpected } from '@sess/core/adapter'
import type { Case, CaseContext, Clause, Layer } from '../contract.ts'

type Requires = NonNullable<Case['requires']>

/** Makes the cases of one clause, for one kind of subject, on one layer. */
export function clause(name: Clause, subject: Case['subject'], layer: Layer = 'example') {
  return (what: string, text: string, run: Case['run'], requires?: Requires): Case => ({
    id: `${name}/${what}`,
    clause: name,
    layer,
    text,
    subject,
    run,
    ...(requires && { requires }),
  })
}

/** The harness lets other processes reach the data. */
export const processes: Requires = ({ harness }) =>
  harness.process ? undefined : 'the harness names no process module: the store lives in one process'

/** The harness can restart the server. */
export const restarts: Requires = ({ space }) =>
  space.restart ? undefined : 'the harness has no restart(): there is no server apart from the store'

/** The harness shows the stored bytes. */
export const showsBytes: Requires = ({ space }) =>
  space.raw ? undefined : 'the harness has no raw: what is stored lies in the memory of one process'

/** The store lists a subject's sessions. */
export const lists: Requires = has('list')

/** The store lists all sessions. */
export const listsAll: Requires = has('all')

/** The store revokes a subject's sessions. */
export const revokes: Requires = has('deleteSubject')

/** The store counts. */
export const counts: Requires = has('count')

/** The store wants sweeping. */
export const sweeps: Requires = has('sweep')

/** The harness reaches the index of subjects, where the store keeps one apart from its records. */
export const indexes: Requires = ({ space }) =>
  space.index ? undefined : 'the harness has no index: subjects are looked up in the records themselves'

/** Combines requirements. The evidence is from the first requirement that is not met. */
export function both(...requirements: readonly Requires[]): Requires {
  return async (context) => {
    for (const requires of requirements) {
      const evidence = await requires(context)
      if (evidence !== undefined) return evidence
    }
    return undefined
  }
}

function has(name: 'list' | 'all' | 'deleteSubject' | 'count' | 'sweep'): Requires {
  return ({ store }) => (name in store ? undefined : `the store has no ${name}()`)
}

/** Collects the items of an iterable. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** The sorted IDs of the sessions of a list. */
export async function listed(store: SessionStore, subject: Subject, now: number): Promise<string[]> {
  return (await all(store.list!(subject, now))).map(([{ id }]) => id).toSorted()
}

/** A subject with a tag of its own. */
export function subjectOf({ key }: CaseContext, id: string): Subject {
  return { id, tag: key().tag }
}

/** The payload as text. */
export function textOf(record: AnyRecord | undefined): string | undefined {
  return record && Buffer.from(record.payload).toString()
}

/** Expects a read record to equal the written record. The store may round the expiry down by less than the claimed resolution. */
export function same(
  read: AnyRecord | undefined,
  written: AnyRecord,
  { traits }: SessionStore,
): asserts read is AnyRecord {
  assert.ok(read, 'the record is missing')
  const early = written.expiresAt - read.expiresAt
  const shown = ({ revision, subject, payload }: AnyRecord, expiresAt: number): object => ({
    revision,
    expiresAt,
    subject,
    payload: Buffer.from(payload).toString('base64'),
  })
  assert.deepEqual(
    shown(read, early >= 0 && early < traits.expiryResolutionMs ? written.expiresAt : read.expiresAt),
    shown(written, written.expiresAt),
  )
}

/** The key of the record of a cookie value. */
export function keyOf(cookieValue: string | undefined): SessionKey {
  return { tag: cookieValue!.slice(0, 12), id: cookieValue!.slice(12, 28) }
}

/** Stores a new session with this data, anonymous or of a subject. It resolves to the cookie value. */
export async function stored(
  sessions: Sessions,
  data: Record<string, unknown> = { n: 0 },
  subject?: string,
): Promise<string> {
  const session = await sessions.load(undefined)
  Object.assign(session.data, data)
  const { cookieValue } = subject === undefined ? await session.commit() : await session.login(subject)
  return cookieValue!
}

/** Loads the session of a cookie value, as a later request does. */
export async function seen(
  sessions: Sessions,
  cookieValue: string | undefined,
): Promise<[status: Session['status'], subject: string | undefined, data: Record<string, unknown>]> {
  const session = await sessions.load(cookieValue)
  return [session.status, session.subject, { ...session.data }]
}

/** Adds one to `data.n`. */
export function increment(data: Record<string, unknown>): void {
  data['n'] = Number(data['n'] ?? 0) + 1
}

/** Waits for some turns of the event loop, so that two calls meet at another step each time. */
export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await new Promise((resolve) => setImmediate(resolve))
}

/** Waits a few turns of the event loop, in which a client finishes work that no promise announces. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Wraps a store and changes the records that it reads on their way to core. */
export function changedOnTheWay(store: SessionStore, change: (record: SessionRecord) => SessionRecord): SessionStore {
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      if (name === 'read')
        return async (...args: Parameters<SessionStore['read']>) => {
          const record = await target.read(...args)
          return record && asExpected(change({ ...record }))
        }
      if (name === 'list' && target.list)
        return async function* (...args: Parameters<NonNullable<SessionStore['list']>>) {
          for await (const [key, record] of target.list!(...args)) yield [key, change(record)] as const
        }
      const value: unknown = target[name]
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Wraps a store and reports its calls as they are made. */
export function watched(
  store: SessionStore,
  tell: (method: keyof SessionStore, args: unknown[]) => void,
): SessionStore {
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        tell(name, args)
        return value.apply(target, args) as unknown
      }
    },
  })
}

import { randomBytes } from 'node:crypto'
import {
  isSessError,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
  type StoreTraits,
} from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import { cases } from './cases/all.ts'
import type { Harness, Space } from './contract.ts'
import { within } from './deadline.ts'
import { runInProcesses } from './process.ts'
import { HarnessError } from './result.ts'

const HOW_TO_CONNECT = 'the process module must export connect(argument), which resolves to { store, close }'

/**
 * Checks a harness before the cases judge its store. If the store cannot create and read a record, the check ends, and the cases
 * report it.
 *
 * @returns The facts of the store for the report.
 * @throws {HarnessError} With a message that tells how to correct the harness.
 */
export async function preflight(
  harness: Harness,
  patience: number,
): Promise<{
  readonly traits: StoreTraits
  readonly versions: Readonly<Record<string, string>>
  /** Notes for the report that are not failures. */
  readonly notes: readonly string[]
}> {
  if (typeof harness?.name !== 'string' || typeof harness.open !== 'function')
    throw new HarnessError('the module has no harness: export { name, open } as `harness`')
  checkDeviations(harness)
  scaleOf(harness)
  const first = await openSpace(harness, patience)
  const second = await openSpace(harness, patience)
  await checkData(harness, first, second, patience)
  const versions =
    (await asked('versions()', 'it must resolve to names and versions', patience, async () => harness.versions?.())) ??
    {}
  const { traits } = first.store
  const notes = (await isOfAnotherCore(first.store, patience)) ? [TWO_CORES] : []
  for (const space of [first, second]) await closeSpace(space, patience)
  return { traits, versions, notes }
}

const TWO_CORES =
  'the store and the kit have each a copy of @sess/core of their own. Errors are recognized by their brand, so the verdict holds; ' +
  'but the store’s copy may have another version: `npm ls @sess/core` shows both'

/** The largest payload, in bytes, with which the kit makes a store refuse a write, to look at the class of the error. */
const LARGEST_PROBE = 8_388_608

/** Whether the store throws branded errors whose class is of another copy of core than the kit's. */
async function isOfAnotherCore(store: SessionStore, patience: number): Promise<boolean> {
  const traits: Partial<StoreTraits> | undefined = store.traits
  const size = (traits?.maxPayloadBytes ?? LARGEST_PROBE) + 1
  if (size > LARGEST_PROBE) return false
  const key = { tag: randomBytes(9).toString('base64url'), id: randomBytes(12).toString('base64url') }
  const now = Date.now()
  const record: SessionRecord = { revision: 1, expiresAt: now + 60_000, payload: new Uint8Array(size) }
  const error: unknown = await within(store.create(key, record, now), patience, 'create()').catch(
    (thrown: unknown) => thrown,
  )
  return isSessError(error) && !(error instanceof SessError)
}

/** The least timeout of `begin` and `end` of a harness, in ms: a server may start slowly. */
const SERVER_PATIENCE_MS = 60_000

/** Calls `begin` of the harness, with a timeout. @param patience - In ms. @throws {HarnessError} */
export async function beginHarness(harness: Harness, patience: number): Promise<void> {
  const wait = Math.max(patience, SERVER_PATIENCE_MS)
  await asked('begin()', 'it must resolve once the server takes connections', wait, async () => harness?.begin?.())
}

/** Calls `end` of the harness, with a timeout. @param patience - In ms. @throws {HarnessError} */
export async function endHarness(harness: Harness, patience: number): Promise<void> {
  const wait = Math.max(patience, SERVER_PATIENCE_MS)
  await asked('end()', 'it must end what begin() began', wait, async () => harness?.end?.())
}

/** Opens a namespace, and checks its form. @param patience - In ms. @throws {HarnessError} */
export async function openSpace(harness: Harness, patience: number): Promise<Space> {
  const space = await asked('open()', 'does the server run, and can it be reached?', patience, () => harness.open())
  if (
    typeof space?.store?.read !== 'function' ||
    typeof space.connect !== 'function' ||
    typeof space.close !== 'function'
  )
    throw new HarnessError('open() must resolve to { store, connect, close }, and it did not')
  return space
}

/** Closes a namespace. @param patience - In ms. @throws {HarnessError} */
export async function closeSpace(space: Space, patience: number): Promise<void> {
  await asked('close()', 'it must end what open() and connect() began', patience, () => space.close())
}

function checkDeviations({ deviations = {} }: Harness): void {
  for (const [id, deviation] of Object.entries(deviations)) {
    if (!cases.some((one) => one.id === id))
      throw new HarnessError(`deviations name ${JSON.stringify(id)}, which is not a case of this contract: remove it`)
    if (!deviation?.reason || !deviation.issue)
      throw new HarnessError(`the deviation from ${id} must have a reason, and an issue that argues it`)
  }
}

/** Returns the harness's factor for the sizes in the cases of the clause `scale`. @throws {HarnessError} If it is out of range. */
export function scaleOf({ scale = 1 }: Harness): number {
  if (!(scale > 0 && scale <= 1))
    throw new HarnessError(`the harness's scale must be above 0 and at most 1, and it is ${String(scale)}`)
  return scale
}

async function checkData(harness: Harness, first: Space, second: Space, patience: number): Promise<void> {
  const now = Date.now()
  const key = { tag: randomBytes(9).toString('base64url'), id: randomBytes(12).toString('base64url') }
  const record: SessionRecord = { revision: 1, expiresAt: now + 600_000, payload: Buffer.from('preflight') }
  const sees = (store: SessionStore): Promise<boolean | undefined> => tried(store, key, now, patience)
  const counting = first.store.count ? sum(first.store.count(now)) : Promise.resolve(undefined)
  const counted = await within(counting, patience, 'count()').catch(() => undefined)
  if (counted !== undefined && counted > 0)
    throw new HarnessError(`open() gave a namespace with ${counted} records in it: it must be empty`)
  await within(first.store.create(key, record, now), patience, 'create()').catch(() => undefined)
  if (!(await sees(first.store))) return
  await checkOrder(first.store, key, record, now, patience)
  if (await sees(second.store))
    throw new HarnessError(
      'a record of one namespace was read in another: each open() must give its own table, file or prefix (or the store ignores it)',
    )
  const other = await asked('connect()', 'it must give another client of the same data', patience, () =>
    first.connect(),
  )
  if (typeof other?.read !== 'function') throw new HarnessError('connect() must resolve to a store, and it did not')
  if ((await sees(other)) === false)
    throw new HarnessError('connect() reaches other data than the store that open() gave')
  await checkProcess(harness, first, key, now, patience)
}

/** Checks the order of arguments: a store with another order would fail every case of a write, and no case would name the cause. */
async function checkOrder(
  store: SessionStore,
  key: SessionKey,
  first: SessionRecord,
  now: number,
  patience: number,
): Promise<void> {
  const second = { ...first, revision: 2 }
  const until = first.expiresAt + 1
  const orders = [
    [
      'replace(key, expected, next, now)',
      () => store.replace(key, asExpected(first), second, now),
      () => store.replace(key, asExpected(second), first, now),
    ],
    [
      'touch(key, expected, expiresAt, now)',
      () => store.touch(key, asExpected(second), until, now),
      () => store.touch(key, until as never, second as never, now),
    ],
  ] as const
  for (const [order, right, swapped] of orders) {
    const answer = await within(right(), patience, order).catch((error: unknown) => error)
    // A write that was done has the right order. The cases report a call that hangs.
    if (isDone(answer) || answer instanceof HarnessError) continue
    if (isDone(await within(swapped(), patience, order).catch((error: unknown) => error)))
      throw new HarnessError(`the store takes the arguments of ${order} in another order`)
  }
}

function isDone(answer: unknown): boolean {
  return answer === 'replaced' || answer === 'touched'
}

async function checkProcess(
  { process: other }: Harness,
  { argument }: Space,
  key: SessionKey,
  now: number,
  patience: number,
): Promise<void> {
  if (!other) return
  if (argument === undefined)
    throw new HarnessError('the harness names a process module, so open() must give an argument for its connect()')
  const stop = new AbortController()
  const task = { kind: 'read', key, now } as const
  const [seen] = await asked('connect(argument) in another process', HOW_TO_CONNECT, patience, () =>
    runInProcesses(other.module, argument, [task], stop.signal),
  ).finally(() => stop.abort())
  if (seen !== true) throw new HarnessError('connect(argument) in another process reaches other data than open()')
}

/** Whether a store has the record. Undefined if the read failed. */
async function tried(
  store: SessionStore,
  key: SessionKey,
  now: number,
  patience: number,
): Promise<boolean | undefined> {
  try {
    return (await within(store.read(key, now, { fresh: true }), patience, 'read()')) !== undefined
  } catch {
    return undefined
  }
}

/** Calls the harness, with a timeout. @throws {HarnessError} If the call fails or takes too long, with the hint. */
async function asked<T>(what: string, hint: string, patience: number, run: () => Promise<T>): Promise<T> {
  try {
    return await within(Promise.resolve(run()), patience, what)
  } catch (cause) {
    if (cause instanceof HarnessError) throw new HarnessError(`${cause.message}: ${hint}`)
    throw new HarnessError(`${what} failed; ${hint}`, { cause })
  }
}

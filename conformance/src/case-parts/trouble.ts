import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import {
  isSessError,
  type AnyRecord,
  type ExpectedRecord,
  type SessErrorCode,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core'
import { sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../contract.ts'
import type { Fault, Faults } from '../fault-switch.ts'
import { listed, turns } from './case.ts'

/** The longest time until a client works again after a fault, in ms. */
const RECOVERY_MS = 20_000
/** The time between two retries of the kit, in ms. */
const RETRY_MS = 10
/** The codes of errors that promise that a write was not and will not be applied. */
const PROMISES: readonly SessErrorCode[] = [
  'store_unavailable',
  'store_full',
  'configuration',
  'too_large',
  'unsupported',
]

type Requires = NonNullable<Case['requires']>

/** The harness can make one of these faults between the store and its server. */
export function harnessMakes(...faults: readonly Fault[]): Requires {
  return ({ space }) => {
    if (!space.faults) return 'the harness has no faults: there is no socket between the store and its server'
    const { offers } = space.faults
    return faults.some((fault) => offers.includes(fault))
      ? undefined
      : `the harness’s faults offer ${offers.join(', ') || 'nothing'}, and none of ${faults.join(', ')}`
  }
}

/** The value or the error of a call. */
export type Settled<T> = { readonly value: T; readonly error?: undefined } | { readonly error: unknown }

/** Waits for the end of a call. It never rejects. */
export const settle = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

/**
 * Waits until the fault strikes, or the call has ended.
 *
 * @param before - `faults.struck` before the fault was injected.
 * @returns Whether the fault struck.
 */
export async function strikes(faults: Faults, before: number, call: Promise<unknown>): Promise<boolean> {
  const end = settle(call).then(() => true)
  while (faults.struck === before) if (await Promise.race([end, turns(1)])) break
  return faults.struck !== before
}

/** Whether a call failed with an error that promises that nothing was or will be applied. */
export const promised = ({ error }: Settled<unknown>): boolean => isSessError(error, ...PROMISES)

/** Waits until the same client of the store answers a read again. @throws {Error} After {@link RECOVERY_MS}. */
export async function recovered(it: SessionStore, key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
  const began = performance.now()
  for (;;) {
    const answer = await settle(it.read(key, now, { fresh: true }))
    if (!('error' in answer)) return answer.value
    if (performance.now() - began > RECOVERY_MS)
      throw new Error(`the same client still fails ${RECOVERY_MS / 1000} s after the fault ended`, {
        cause: answer.error,
      })
    await setTimeout(RETRY_MS)
  }
}

/**
 * Creates a record under a new key, on a client that has just met a fault. It retries a failed create under another key: a client with
 * a connection to each shard may have lost the connection to a shard that {@link recovered} has not asked.
 */
export async function created({ store: it, key, now }: CaseContext, record: SessionRecord): Promise<SessionKey> {
  const began = performance.now()
  for (;;) {
    const at = key()
    const answer = await settle(it.create(at, record, now))
    if (!('error' in answer)) return at
    if (performance.now() - began > RECOVERY_MS) throw answer.error
    await setTimeout(RETRY_MS)
  }
}

/** Creates another record for the same write. */
export async function spare(
  { store: it, key, now }: CaseContext,
  record: SessionRecord,
): Promise<[SessionKey, ExpectedRecord]> {
  const at = key()
  await it.create(at, record, now)
  return [at, (await it.read(at, now))!]
}

/** Expects a list and a revocation of the subject `ann` to find a record exactly if a read finds it. It ends the record. */
export async function agree({ now }: CaseContext, it: SessionStore, key: SessionKey): Promise<void> {
  const isThere = (await it.read(key, now, { fresh: true })) !== undefined
  const ann = { id: 'ann', tag: key.tag }
  if (it.list) assert.equal((await listed(it, ann, now)).includes(key.id), isThere, 'a read and a list disagree')
  if (!it.deleteSubject) return
  const went = await sum(it.deleteSubject(ann, now))
  if (isThere) assert.notEqual(went, 0, 'a revocation does not count what a read finds')
  assert.equal(await it.read(key, now, { fresh: true }), undefined, 'a revocation does not find what a read finds')
}

/** A payload as text. */
export const payloadOf = (record: AnyRecord | undefined): string => Buffer.from(record?.payload ?? []).toString()

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
import type { Case, CaseContext } from '../contract.ts'
import type { Fault, Faults } from '../fault-switch.ts'
import { turns } from './case.ts'

/** How long a client may take to be of use again, in ms. */
const RECOVERY = 20_000
/** How long until it is asked again, in ms. */
const BETWEEN = 10
/** The codes that promise that a write was not and will not be applied. */
const PROMISES: readonly SessErrorCode[] = [
  'store_unavailable',
  'store_full',
  'configuration',
  'too_large',
  'unsupported',
]

type Requires = NonNullable<Case['requires']>

/** The harness can make trouble of one of these kinds between the store and its server. */
export function harnessMakes(...faults: readonly Fault[]): Requires {
  return ({ space }) => {
    if (!space.faults) return 'the harness has no faults: there is no socket between the store and its server'
    const { offers } = space.faults
    return faults.some((fault) => offers.includes(fault))
      ? undefined
      : `the harness’s faults offer ${offers.join(', ') || 'nothing'}, and none of ${faults.join(', ')}`
  }
}

/** How a call ended. */
export type Settled<T> = { readonly value: T; readonly error?: undefined } | { readonly error: unknown }

/** Waits for a call, however it ends. */
export const settle = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

/**
 * Waits until trouble strikes, or the call that it was made for has ended.
 *
 * @param before - `faults.struck` before the trouble was made.
 * @returns Whether it struck.
 */
export async function strikes(faults: Faults, before: number, call: Promise<unknown>): Promise<boolean> {
  const end = settle(call).then(() => true)
  while (faults.struck === before) if (await Promise.race([end, turns(1)])) break
  return faults.struck !== before
}

/** It threw what promises that nothing was or will be done. */
export const promised = ({ error }: Settled<unknown>): boolean => isSessError(error, ...PROMISES)

/** Waits until the store answers again, with no new client. */
export async function recovered(it: SessionStore, key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
  const began = performance.now()
  for (;;) {
    const answer = await settle(it.read(key, now, { fresh: true }))
    if (!('error' in answer)) return answer.value
    if (performance.now() - began > RECOVERY)
      throw new Error(`the same client is of no use ${RECOVERY / 1000} s after the trouble ended`, {
        cause: answer.error,
      })
    await setTimeout(BETWEEN)
  }
}

/**
 * Creates a record under a new key, on a client that has just had trouble. A client with a connection to each shard may have
 * lost that of another shard than {@link recovered} has asked, so a create that fails is tried again, under another key.
 */
export async function created({ store: it, key, now }: CaseContext, record: SessionRecord): Promise<SessionKey> {
  const began = performance.now()
  for (;;) {
    const at = key()
    const answer = await settle(it.create(at, record, now))
    if (!('error' in answer)) return at
    if (performance.now() - began > RECOVERY) throw answer.error
    await setTimeout(BETWEEN)
  }
}

/** Another record that the same write can be done to. */
export async function spare(
  { store: it, key, now }: CaseContext,
  record: SessionRecord,
): Promise<[SessionKey, ExpectedRecord]> {
  const at = key()
  await it.create(at, record, now)
  return [at, (await it.read(at, now))!]
}

/** A payload as text. */
export const payloadOf = (record: AnyRecord | undefined): string => Buffer.from(record?.payload ?? []).toString()

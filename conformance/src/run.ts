import { randomInt } from 'node:crypto'
import type { Serializer } from '@sess/core'
import type { Case, Harness, RunOptions, SerializerCase, Space } from './contract.ts'
import { contextOf } from './context.ts'
import { closeSpace, openSpace } from './preflight.ts'
import { Recorder } from './recorder.ts'
import { CounterExample, Hang, HarnessError, Inconclusive, type Failure, type Result } from './result.ts'

/** How long a case may take, in ms. */
const CASE_PATIENCE = 60_000
/** How long one call may take, in ms: longer than core waits for a store, whatever `storeTimeout` says. */
export const CALL_PATIENCE = 15_000

/** Runs one case in a namespace of its own. Never rejects. */
export async function runCase(item: Case, harness: Harness, options: RunOptions = {}): Promise<Result> {
  const settled = { seed: randomInt(2 ** 31), patience: CALL_PATIENCE, ...options }
  const recorder = new Recorder(Date.now())
  const failure = (error: unknown): Failure => failureOf(error, item, recorder, settled.seed)
  let space: Space
  try {
    space = await openSpace(harness, settled.patience)
  } catch (error) {
    return { status: 'harness-error', ...failure(error) }
  }
  const result = judged(await tried(item, harness, space, recorder, settled), item, harness, failure)
  try {
    await closeSpace(space, settled.patience)
  } catch (error) {
    return result.status === 'fail' ? result : { status: 'harness-error', ...failure(error) }
  }
  return result
}

/** Runs one case on a serializer. Never rejects. */
export async function runSerializerCase(
  item: SerializerCase,
  serializer: Serializer,
  { seed = randomInt(2 ** 31), effort = 1 }: RunOptions = {},
): Promise<Result> {
  try {
    await item.run(serializer, { seed, rounds: (full) => Math.max(1, Math.ceil(full * effort)) })
    return { status: 'pass' }
  } catch (error) {
    return { status: 'fail', ...failureOf(error, item, new Recorder(0), seed) }
  }
}

async function tried(
  item: Case,
  harness: Harness,
  space: Space,
  recorder: Recorder,
  options: RunOptions & { readonly patience: number },
): Promise<Result | { readonly error: unknown }> {
  const ended = new AbortController()
  try {
    const context = contextOf(harness, space, recorder, options, ended.signal)
    const evidence = await watched(async () => item.requires?.(context), item, recorder, options.patience)
    if (evidence !== undefined) return { status: 'not-applicable', evidence }
    await watched(() => item.run(context), item, recorder, options.patience)
    return { status: 'pass' }
  } catch (error) {
    return { error }
  } finally {
    ended.abort()
  }
}

/** What the outcome says, once the harness's deviations are taken into account. */
function judged(
  outcome: Result | { readonly error: unknown },
  { id }: Case,
  { deviations = {} }: Harness,
  failure: (error: unknown) => Failure,
): Result {
  const deviation = Object.hasOwn(deviations, id) ? deviations[id] : undefined
  if ('status' in outcome) {
    if (!deviation) return outcome
    if (outcome.status === 'pass')
      return { status: 'fail', ...failure(new Error('the store keeps this rule: take it out of the deviations')) }
    return { status: 'harness-error', ...failure(new HarnessError('a deviation from a rule that does not apply')) }
  }
  const { error } = outcome
  if (error instanceof HarnessError) return { status: 'harness-error', ...failure(error) }
  if (error instanceof Inconclusive) return { status: 'inconclusive', ...failure(error) }
  return deviation ? { status: 'deviates', deviation, ...failure(error) } : { status: 'fail', ...failure(error) }
}

function failureOf(error: unknown, { id }: { readonly id: string }, recorder: Recorder, seed: number): Failure {
  const known = error instanceof CounterExample ? error : undefined
  return {
    error,
    steps: known?.steps ?? [...recorder.steps],
    replay: [`--case ${id} --seed ${seed}`, known?.replay].join(' ').trim(),
  }
}

/** Ends a case that hangs, and says in which call. */
async function watched<T>(run: () => Promise<T>, item: Case, recorder: Recorder, patience: number): Promise<T> {
  // Where calls may take longer, so may a case that makes many.
  const limit = (item.patience ?? CASE_PATIENCE) * Math.max(1, patience / CALL_PATIENCE)
  const began = performance.now()
  let timer: ReturnType<typeof setInterval> | undefined
  const watch = new Promise<never>((_, reject) => {
    timer = setInterval(
      () => {
        const stuck = recorder.stuck(patience)
        if (stuck) {
          const Late = stuck.client === 'harness' ? HarnessError : Hang
          reject(new Late(`${stuck.call} of ${stuck.client} did not end within ${patience / 1000} s`))
        } else if (performance.now() - began > limit) reject(new Hang(`it did not end within ${limit / 1000} s`))
      },
      Math.min(100, patience / 4),
    )
  })
  try {
    return await Promise.race([run(), watch])
  } finally {
    clearInterval(timer)
  }
}

import { randomInt } from 'node:crypto'
import type { Serializer } from '@sess/core'
import type { OptionNames } from '@sess/core/adapter'
import type { Case, Harness, RunOptions, SerializerCase, Space } from './contract.ts'
import { contextOf } from './context.ts'
import { seconds, slowness, Stillness } from './deadline.ts'
import { closeSpace, openSpace, scaleOf } from './preflight.ts'
import { Recorder } from './recorder.ts'
import { CounterExample, Hang, HarnessError, Inconclusive, type Failure, type Result } from './result.ts'

/** The longest time of a case in which no call begins or ends, in ms. */
const CASE_PATIENCE_MS = 60_000
/** The factor of the longest time of a whole case: a case may never end although all its calls end. */
const WHOLE_CASE = 5
/** The longest time of one call, in ms: longer than the longest `storeTimeout` of core. */
export const CALL_PATIENCE = 15_000

export const RUN_OPTIONS: OptionNames<RunOptions> = {
  seed: true,
  path: true,
  effort: true,
  patience: true,
  createSessions: true,
}

/** Runs one case in a namespace of its own. It never rejects. */
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

/** Runs one case on a serializer. It never rejects. */
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
    const { effort = 1, patience } = options
    const share = item.clause === 'scale' ? scaleOf(harness) : 1
    const context = contextOf(harness, space, recorder, { ...options, effort: effort * share }, ended.signal)
    const watch = { item, recorder, patience, requests: () => space.faults?.requests ?? 0 }
    const evidence = await watched(async () => item.requires?.(context), watch)
    if (evidence !== undefined) return { status: 'not-applicable', evidence }
    await watched(() => item.run(context), watch)
    return { status: 'pass' }
  } catch (error) {
    return { error }
  } finally {
    ended.abort()
  }
}

/** Makes the result of an outcome, with the deviations of the harness. */
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
      return { status: 'fail', ...failure(new Error('the store keeps this rule: remove it from the deviations')) }
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

interface Watch {
  readonly item: Case
  readonly recorder: Recorder
  /** The longest time of one call, in ms. */
  readonly patience: number
  /** How many requests have gone to the server. */
  readonly requests: () => number
}

/**
 * Runs a case, and ends it if it makes no progress.
 *
 * @throws {Hang} If a call waits although no request goes to the server, or if no call begins or ends. The message names the call.
 * @throws {HarnessError} If the call is a call of the harness.
 */
async function watched<T>(run: () => Promise<T>, { item, recorder, patience, requests }: Watch): Promise<T> {
  const slow = await slowness()
  const perCall = patience * slow
  // If each call may take longer, the whole case may take longer.
  const perCase = (item.patience ?? CASE_PATIENCE_MS) * Math.max(1, patience / CALL_PATIENCE) * slow
  const everyMs = Math.min(100, patience / 4)
  // The wait starts again when the oldest call ends, and at each request to the server.
  const call = new Stillness(() => `${recorder.oldest?.from} ${requests()}`, everyMs)
  const whole = new Stillness(() => `${recorder.events} ${requests()}`, everyMs)
  const began = performance.now()
  let timer: ReturnType<typeof setInterval> | undefined
  const watch = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const { oldest } = recorder
      const [callMs, wholeMs] = [call.look(), whole.look()]
      if (oldest && callMs >= perCall) {
        const Late = oldest.client === 'harness' ? HarnessError : Hang
        reject(new Late(`${oldest.call} of ${oldest.client} did not end within ${seconds(perCall)}`))
      } else if (wholeMs >= perCase) reject(new Hang(`nothing happened for ${seconds(perCase)}`))
      else if (performance.now() - began > WHOLE_CASE * perCase)
        reject(new Hang(`it did not end within ${seconds(WHOLE_CASE * perCase)}`))
    }, everyMs)
  })
  try {
    return await Promise.race([run(), watch])
  } finally {
    clearInterval(timer)
  }
}

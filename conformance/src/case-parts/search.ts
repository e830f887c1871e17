import type { SessionKey } from '@sess/core'
import * as fc from 'fast-check'
import { CounterExample } from '../result.ts'
import type { CaseContext } from '../contract.ts'
import type { Model, Real } from './model-of-store.ts'

/** Runs of random calls against a model, each of up to this many calls. */
const RUNS = 60
const LONGEST = 40

/** Runs random commands. A counter-example is shrunk, and says by which seed and path to find it again. */
export async function search<M extends object, R>(
  { seed, path, rounds }: CaseContext,
  commands: readonly fc.Arbitrary<fc.AsyncCommand<M, R>>[],
  setUp: () => Promise<{ readonly model: M; readonly real: R; tearDown?: () => Promise<void> }>,
): Promise<void> {
  // A counter-example of commands is found again by two paths: fast-check's own, and that of the commands that ran.
  const [own = '', replayPath] = path?.split('~') ?? []
  const calls = fc.commands([...commands], { maxCommands: LONGEST, size: 'max', ...(replayPath && { replayPath }) })
  const property = fc.asyncProperty(calls, async (made) => {
    const { model, real, tearDown } = await setUp()
    try {
      await fc.asyncModelRun(() => ({ model, real }), made)
    } finally {
      await tearDown?.()
    }
  })
  const outcome = await fc.check(property, { seed, numRuns: rounds(RUNS), ...(own && { path: own }) })
  if (!outcome.failed) return
  const { counterexample, counterexamplePath, errorInstance } = outcome
  const ran = [...(counterexample?.[0] ?? [])]
    .filter((one) => (one as { hasRan?: boolean }).hasRan !== false)
    .map(String)
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  const shown = (counterexample?.[0] as { toString(): string } | undefined)?.toString() ?? ''
  const replay = /replayPath="([^"]*)"/.exec(shown)?.[1] ?? ''
  throw new CounterExample(
    `${reason}\nafter: ${ran.join('; ')}`,
    ran.map((call, i) => ({ client: 'model', call, from: i, to: i + 1, wrong: i === ran.length - 1 })),
    counterexamplePath === null ? undefined : `--path ${counterexamplePath}~${replay}`,
    errorInstance,
  )
}

/** The clients of a store, and keys under one tag that no other run has had. What is left of a run is deleted. */
export function storeOf({ store, key, space, now: today }: CaseContext) {
  const began = performance.now()
  return async (): Promise<{ model: Model; real: Real; tearDown: () => Promise<void> }> => {
    // Where a sweep goes by the store's clock too, all happens a day before that. Where the backend removes what has expired, a
    // run begins at the time that it is: a slow one must not find removed what its own time calls live.
    const now = store.sweep ? today - 86_400_000 : today + Math.floor(performance.now() - began)
    const tag = key().tag
    const keys: SessionKey[] = Array.from({ length: 4 }, () => key(tag))
    const clients = [store, await space.connect()]
    const tearDown = async (): Promise<void> => {
      for (const at of keys) await store.delete(at, now)
    }
    return { model: { records: new Map(), now }, real: { clients, keys }, tearDown }
  }
}

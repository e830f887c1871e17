import type { SessionKey } from '@sess/core'
import * as fc from 'fast-check'
import { CounterExample } from '../result.ts'
import type { CaseContext } from '../contract.ts'
import { KEYS, KEYS_OF_FIRST_TAG, type Model, type Real } from './model-of-store.ts'

/** How many runs of random calls a search makes. */
const RUNS = 60
/** How many calls a run has at most. */
const MOST_CALLS = 40

/** Runs random commands against a model. @throws {CounterExample} Shrunk, with the path that finds it again. */
export async function search<M extends object, R>(
  { seed, path, rounds }: CaseContext,
  commands: readonly fc.Arbitrary<fc.AsyncCommand<M, R>>[],
  setUp: () => Promise<{ readonly model: M; readonly real: R; tearDown?: () => Promise<void> }>,
): Promise<void> {
  // Two paths lead to a counter-example of commands: fast-check's own path, and the path of the commands that ran.
  const [own = '', replayPath] = path?.split('~') ?? []
  const calls = fc.commands([...commands], { maxCommands: MOST_CALLS, size: 'max', ...(replayPath && { replayPath }) })
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

/** Makes the clients of a store, and keys under two new tags. The end of a run deletes the records of the run. */
export function storeOf({ store, key, space, now: today }: CaseContext) {
  const began = performance.now()
  return async (): Promise<{ model: Model; real: Real; tearDown: () => Promise<void> }> => {
    // A sweep may also go by the store's clock, so with a sweep a run happens a day earlier. If the backend itself removes expired
    // records, a run begins at the present time: otherwise the backend could remove records that are live by the time of a slow run.
    const now = store.sweep ? today - 86_400_000 : today + Math.floor(performance.now() - began)
    const tags = [key().tag, key().tag] as const
    const keys: SessionKey[] = Array.from({ length: KEYS }, (_, i) => key(tags[Number(i >= KEYS_OF_FIRST_TAG)]))
    keys[KEYS - 2] = { tag: tags[1], id: keys[0]!.id }
    const clients = [store, await space.connect()]
    const tearDown = async (): Promise<void> => {
      for (const at of keys) await store.delete(at, now)
    }
    return { model: { records: new Map(), now }, real: { clients, keys }, tearDown }
  }
}

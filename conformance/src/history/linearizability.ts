import type { Operation } from './history.ts'
import { apply, keyOf, type State } from './record-model.ts'

/** How many states a search may visit. */
const BUDGET = 200_000

/**
 * Whether the answer proves that the call changed nothing. The answers of a touch and of an uncounted revocation do not; nor does a
 * delete or a revocation that found no live record, because it removes one that has expired for its caller alone.
 */
function changesNothing({ call, answer }: Operation): boolean {
  if (call.kind === 'delete' || call.kind === 'revoke') return false
  return answer !== undefined && (call.kind === 'read' || [false, 'conflict', 'missing'].includes(answer as never))
}

/** `linearizable`: one order of the calls explains every answer. */
export type Verdict = 'linearizable' | 'impossible' | 'out of budget'

/**
 * Looks for one order of the operations that explains every answer, and in which an operation that began after the end of another
 * comes after it. It is a depth-first search that remembers each dead end (operations done, state).
 *
 * @param staleMs - The longest time before its call for which the answer of a read that is not fresh may be right, in ms.
 * @see Wing and Gong, "Testing and verifying concurrent objects", 1993; Lowe, "Testing for linearizability", 2017.
 */
export function linearizable(history: readonly Operation[], staleMs = 0, budget: number = BUDGET): Verdict {
  const operations = history
    .map((one) => (one.call.kind === 'read' && !one.call.fresh ? { ...one, from: one.from - staleMs } : one))
    .toSorted((a, b) => a.from - b.from)
  const known = operations.filter(({ answer }) => answer !== undefined).length
  const done = operations.map(() => false)
  const seen = new Set<string>()
  let left = budget

  const search = (state: State, doneKnown: number): Verdict => {
    if (doneKnown === known) return 'linearizable'
    const memo = `${done.map(Number).join('')} ${keyOf(state)}`
    if (seen.has(memo)) return 'impossible'
    seen.add(memo)
    if (left-- <= 0) return 'out of budget'
    const next = candidates()
    // An operation that is right now and changes nothing can come now: no order needs it later.
    const idle = next.find((i) => changesNothing(operations[i]!) && apply(state, operations[i]!) === state)
    for (const i of idle === undefined ? next : [idle]) {
      const operation = operations[i]!
      const after = apply(state, operation)
      if (after === 'impossible') continue
      done[i] = true
      const verdict = search(after, doneKnown + (operation.answer === undefined ? 0 : 1))
      done[i] = false
      if (verdict !== 'impossible') return verdict
    }
    return 'impossible'
  }

  /** The operations that can come next: those that began before any other remaining operation ended. */
  const candidates = (): number[] => {
    const end = Math.min(...operations.filter((_, i) => !done[i]).map(({ to }) => to))
    return operations.flatMap(({ from }, i) => (!done[i] && from <= end ? [i] : []))
  }

  return search(undefined, 0)
}

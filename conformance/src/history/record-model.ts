import type { Answer, Operation, Version } from './history.ts'

/** One record, as the contract has it when one call comes after another; undefined: no live one. */
export type State = Version | undefined

/**
 * The state after an operation, if its answer is right in this one: `impossible` if it is not. An operation whose answer
 * is not known is taken to have been done now; the search tries it undone as well.
 */
export function apply(state: State, { call, answer }: Operation): State | 'impossible' {
  switch (call.kind) {
    case 'read':
      return answer === undefined || same(state, answer) ? state : 'impossible'
    case 'create': {
      const { payload, expiresAt } = call
      const next = state ?? { revision: 1, payload, expiresAt }
      return answer === undefined || answer === !state ? next : 'impossible'
    }
    case 'replace': {
      const { payload, expiresAt, expected } = call
      if (!meets(state, expected, answer, 'replaced')) return 'impossible'
      if (answer !== 'replaced' && !(answer === undefined && state?.revision === expected.revision)) return state
      return { revision: expected.revision + 1, payload, expiresAt }
    }
    case 'touch': {
      const { expiresAt, expected } = call
      if (!meets(state, expected, answer, 'touched')) return 'impossible'
      if (answer !== 'touched' && !(answer === undefined && state?.revision === expected.revision)) return state
      return { ...state!, expiresAt: Math.max(state!.expiresAt, expiresAt) }
    }
    case 'delete':
      return answer === undefined || answer === (state !== undefined) ? undefined : 'impossible'
    case 'revoke':
      return typeof answer !== 'number' || answer === (state ? 1 : 0) ? undefined : 'impossible'
  }
}

/** Two states are the same if these are. */
export function keyOf(state: State): string {
  return state ? `${state.revision} ${state.payload} ${state.expiresAt}` : ''
}

/**
 * Whether a compare-and-set may answer so. Where a record was deleted and made anew, with the revision that was expected,
 * a store that compares more than revisions says conflict, and is right.
 */
function meets(state: State, expected: Version, answer: Answer | undefined, done: 'replaced' | 'touched'): boolean {
  switch (answer) {
    case undefined:
      return true
    case 'missing':
      return state === undefined
    case 'conflict':
      return state !== undefined && (state.revision !== expected.revision || state.payload !== expected.payload)
    default:
      return answer === done && state?.revision === expected.revision
  }
}

function same(state: State, answer: Answer): boolean {
  return typeof answer === 'object' ? keyOf(state) === keyOf(answer) : answer === 'missing' && state === undefined
}

import type { Answer, Operation, Version } from './history.ts'

/** The state of one record by the contract, when calls come one after another. Undefined: there is no record. */
export type State = Version | undefined

/**
 * Returns the state after an operation, or `impossible` if its answer is not right in this state. An operation without a known answer
 * counts as applied now; the search also tries not to apply it.
 */
export function apply(state: State, { call, answer, now = -Infinity }: Operation): State | 'impossible' {
  /** What the caller's clock calls live. */
  const live = state && now < state.expiresAt ? state : undefined
  switch (call.kind) {
    case 'read':
      return answer === undefined || same(live, answer) ? state : 'impossible'
    case 'create': {
      const { payload, expiresAt } = call
      const next = live ?? { revision: 1, payload, expiresAt }
      return answer === undefined || answer === !live ? next : 'impossible'
    }
    case 'replace': {
      const { payload, expiresAt, expected } = call
      if (!meets(live, expected, answer, 'replaced')) return 'impossible'
      if (answer !== 'replaced' && !(answer === undefined && live?.revision === expected.revision)) return state
      return { revision: expected.revision + 1, payload, expiresAt }
    }
    case 'touch': {
      const { expiresAt, expected } = call
      if (!meets(live, expected, answer, 'touched')) return 'impossible'
      if (answer !== 'touched' && !(answer === undefined && live?.revision === expected.revision)) return state
      return { ...live!, expiresAt: Math.max(live!.expiresAt, expiresAt) }
    }
    case 'delete':
      return answer === undefined || answer === (live !== undefined) ? undefined : 'impossible'
    case 'revoke':
      return typeof answer !== 'number' || answer === (live ? 1 : 0) ? undefined : 'impossible'
  }
}

/** A text for a state: equal states have equal texts. */
export function keyOf(state: State): string {
  return state ? `${state.revision} ${state.payload} ${state.expiresAt}` : ''
}

/**
 * Whether a compare-and-set may give this answer. If a record was deleted and created again with the expected revision, a store that
 * compares more than revisions may answer `conflict`.
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

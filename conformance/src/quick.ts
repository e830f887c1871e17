import { cases } from './cases/all.ts'

/** The share of rounds that a quick run makes. */
export const QUICK_EFFORT = 0.1

/**
 * Cases on the store that start processes, restart its server, wait by the clock, compare times among many records, or lose a
 * connection at each request of a long call. A quick run leaves them out.
 */
const LONG: ReadonlySet<string> = new Set([
  'races/increments-of-processes',
  'races/creates-of-processes',
  'races/delete-across-processes',
  'races/sweeps-of-processes',
  'races/history-of-processes',
  'races/fresh-read-is-its-own',
  'races/late-requests',
  'races/late-for-long',
  'faults/cut-and-deleted',
  'faults/cut-all',
  'faults/cut-count',
  'faults/cut-pages',
  'faults/slow-pages',
  'faults/many-lost',
  'faults/cut-and-beaten',
  'faults/held-up',
  'faults/slow-answers',
  'faults/late-replace',
  'faults/down',
  'faults/hung',
  'faults/restart',
  'subjects/pages-of-large-records',
  'scale/sweep-is-indexed',
  'scale/revoke-is-flat',
  'life-cycle/process-ends',
  'life-cycle/no-timer-is-left',
])

/** Cases on sessions, for the clauses that have no cases on the store. */
const SAMPLE: ReadonlySet<string> = new Set([
  'rotation-login/rotation',
  'rotation-login/login',
  'rotation-login/parallel-rotations',
  'rotation-login/model',
  'serialization/unknown-serializer',
  'serialization/refusal-writes-nothing',
  'hostile-bytes/truncated',
  'hostile-bytes/wrong-types',
  'hostile-bytes/stored-bytes',
])

/**
 * The ids of the cases of a quick run, which has some cases of each clause. It has only a few cases on sessions, because sessions make
 * the same calls of a store as the cases on the store.
 */
export const quickCases: readonly string[] = cases
  .filter(({ id, subject }) => (subject === 'store' ? !LONG.has(id) : SAMPLE.has(id)))
  .map(({ id }) => id)

/** All ids that are named here. */
export const named: readonly string[] = [...LONG, ...SAMPLE]

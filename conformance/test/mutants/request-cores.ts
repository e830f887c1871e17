import { MUTANTS } from '../../../packages/core/test/explorer/mutants.ts'
import type { CoreMutant } from './mutant.ts'

/** The explorer's mutants of core, by name, and the kit's cases that catch them too. */
const KILLED_BY: Readonly<Record<string, readonly string[]>> = {
  'writes-under-superseded': ['rotation-login/write-after-rotation', 'rotation-login/parallel-rotations'],
  'no-judging-after-conflict': ['rotation-login/write-after-rotation', 'rotation-login/parallel-rotations'],
  'superseded-is-valid': [
    'rotation-login/rotation',
    'rotation-login/rotation-twice',
    'rotation-login/login-again-twice',
    'rotation-login/update-in-each-state',
    'rotation-login/model',
  ],
  'kept-forever': ['rotation-login/keep-old-for'],
  'deadline-only-at-load': ['rotation-login/keep-old-for'],
  'kept-rotates': ['rotation-login/parallel-rotations-with-window'],
  'rotation-leaves-window': ['rotation-login/next-rotation-ends-window'],
  'rotation-forgets': ['rotation-login/rotation-twice'],
  'kept-removes-cookie': ['rotation-login/kept-secret-ends', 'rotation-login/logout-in-each-state'],
  'no-write-id-look-up': ['races/retry-counts-once', 'faults/lost-answer-counts-once', 'faults/cut-update'],
  'new-write-id-each-try': ['races/retry-counts-once'],
  'no-gap-rule': ['races/forgotten-write'],
  'lost-is-saved': [
    'races/forgotten-write',
    'races/late-rotation',
    'faults/unknown-outcome-settles',
    'faults/outage-at-write',
  ],
  'create-sent-again': ['races/late-create', 'rotation-login/login-with-lost-answer', 'faults/lost-create'],
  'missing-is-created': [
    'races/told-of-logout',
    'races/logout-wins',
    'rotation-login/rotation-of-ended',
    'rotation-login/commit-in-each-state',
  ],
  'logout-compares': ['races/logout-wins', 'races/retry-of-logout', 'rotation-login/rotation-against-logout'],
  'logout-ends-marker': ['rotation-login/marker-is-inert', 'rotation-login/logout-in-each-state'],
  'conflict-keeps-stale-data': ['races/disjoint-keys', 'races/updates', 'rotation-login/rotation-against-save'],
  'overwrites-in-silence': ['races/same-key-twice'],
  'touch-for-replace': ['round-trip/several-commits'],
  'no-marker': [
    'rotation-login/marker',
    'scale/calls',
    'rotation-login/login-in-each-state',
    'rotation-login/login-as-another-in-each-state',
  ],
  'marker-before-create': ['scale/calls'],
  'marker-over-rotation': ['rotation-login/login-against-rotation'],
  'marker-without-merge': ['rotation-login/login-against-save'],
  'merge-without-reading': ['rotation-login/login-against-save'],
  'marker-with-own-changes': ['rotation-login/login-after-lost-response'],
  'marker-with-data-of-subject': ['rotation-login/nothing-of-another-in-a-marker'],
  'marker-lives-on': ['rotation-login/marker', 'rotation-login/marker-is-inert'],
  'marker-hands-out-to-nobody': ['rotation-login/login-after-lost-response', 'rotation-login/login-twice'],
  'subject-takes-data-along': ['rotation-login/login-as-another'],
  'forged-is-superseded': ['identity/wrong-secret'],
  'revokes-its-own': ['rotation-login/revoke-subject'],
  'lists-markers': ['rotation-login/markers-in-no-list'],
}

/** Cores with a rule taken out that is one of requests together. */
export const requestCores: readonly CoreMutant[] = MUTANTS.map(({ name, file, edits }) => ({
  name,
  file,
  edits,
  killedBy: KILLED_BY[name] ?? [],
}))

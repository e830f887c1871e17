import { clause } from '../../case-parts/case.ts'
import { CALLS_APART, claimedCalls, TIME } from '../../case-parts/model-of-store.ts'
import { search, storeOf } from '../../case-parts/search.ts'
import type { Case } from '../../contract.ts'

/** Cases on random calls on records of several subjects, each compared with a model. */
export const modelsOfSubjects: readonly Case[] = [
  clause('subjects', 'store', 'model')(
    'model',
    'Whatever calls two clients make whose clocks differ, under two tags, lists, revocations, counts and sweeps among them, each answers as a Map would.',
    (context) => {
      const claimed = claimedCalls(context.store)
      return search(context, [...CALLS_APART, ...TIME, ...claimed, ...claimed], storeOf(context))
    },
    ({ store }) => (claimedCalls(store).length ? undefined : 'the store has none of these'),
  ),
]

import { clause } from '../../case-parts/case.ts'
import { CALLS_APART, TIME } from '../../case-parts/model-of-store.ts'
import { search, storeOf } from '../../case-parts/search.ts'
import type { Case } from '../../contract.ts'

/** Cases on random calls while time goes by, each compared with a model. */
export const modelsOfTime: readonly Case[] = [
  clause('clock', 'store', 'model')(
    'model',
    'Whatever calls two clients make while time goes by, whose clocks differ, each answers as a Map would, by the clock of its caller.',
    (context) => search(context, [...CALLS_APART, ...TIME], storeOf(context)),
  ),
]

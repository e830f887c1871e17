import { clause } from '../../case-parts/case.ts'
import { CALLS, TIME } from '../../case-parts/model-of-store.ts'
import { search, storeOf } from '../../case-parts/search.ts'
import type { Case } from '../../contract.ts'

/** Random calls while time goes by, compared one by one with what a model says. */
export const modelsOfTime: readonly Case[] = [
  clause('clock', 'store', 'model')(
    'model',
    'Whatever calls two clients make while time goes by, each answers as a Map would that forgets what has expired.',
    (context) => search(context, [...CALLS, ...TIME], storeOf(context)),
  ),
]

import { clause } from '../../case-parts/case.ts'
import { CALLS } from '../../case-parts/model-of-store.ts'
import { search, storeOf } from '../../case-parts/search.ts'
import type { Case } from '../../contract.ts'

/** Cases on random calls, each compared with a model. */
export const modelsOfRecords: readonly Case[] = [
  clause('round-trip', 'store', 'model')(
    'model',
    'Whatever calls two clients make, each answers as a Map would.',
    (context) => search(context, CALLS, storeOf(context)),
  ),
]

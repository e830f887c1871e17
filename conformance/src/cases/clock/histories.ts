import { clause } from '../../case-parts/case.ts'
import { clientsOf, playRounds } from '../../case-parts/history-rounds.ts'
import type { Case } from '../../contract.ts'

/** How far the clock of every other client is ahead, and the lives of records: for that client the short ones have expired. In ms. */
const [AHEAD_MS, LIVES_MS] = [10_000, [5000, 3_600_000]]

/** Cases on recorded histories of several clients with different clocks. */
export const historiesOfClocks: readonly Case[] = [
  clause('clock', 'store', 'history')(
    'history-of-clocks',
    'Whatever clients do to a record at once whose clocks differ, one order of their calls explains every answer, each by its own clock.',
    async (context) =>
      playRounds(
        context,
        await clientsOf(context, 3),
        (_, i) => ({ now: context.now + (i % 2) * AHEAD_MS, lives: LIVES_MS }),
        40,
      ),
  ),
]

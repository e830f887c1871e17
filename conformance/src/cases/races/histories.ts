import type { Operation } from '../../history/history.ts'
import { clause, processes } from '../../case-parts/case.ts'
import { CALLS, clientsOf, judge, playRounds } from '../../case-parts/history-rounds.ts'
import type { Case } from '../../contract.ts'

/** Cases on recorded histories of several clients at once. */
export const histories: readonly Case[] = [
  clause('races', 'store', 'history')(
    'history-of-clients',
    'Whatever several clients do to a record at once, each making several calls at a time, one order of their calls explains every answer.',
    async (context) => {
      const [one, two, three, four] = await clientsOf(context, 3)
      // The first client makes two series of calls at once, which it must not take for each other.
      await playRounds(context, [one!, two!, three!, four!, one!], () => ({ calls: 6 }))
    },
  ),
  clause('races', 'store', 'history')(
    'history-of-processes',
    'Whatever several processes do to a record at once, one order of their calls explains every answer.',
    async (context) => {
      const { now, seed, key, rounds } = context
      const keys = Array.from({ length: rounds(60) }, () => key())
      const played = (await context.processes(3, (i) => ({
        kind: 'history',
        plays: keys.map((at, round) => ({
          client: `process ${i + 1}`,
          key: at,
          seed: seed + round * 3 + i,
          calls: CALLS,
          now,
        })),
        now,
      }))) as (readonly Operation[])[][]
      for (const round of keys.keys())
        judge(
          played.flatMap((one) => one[round]!),
          context,
        )
    },
    processes,
  ),
]

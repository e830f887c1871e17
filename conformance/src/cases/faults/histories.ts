import { clause } from '../../case-parts/case.ts'
import { clientsOf, playRounds } from '../../case-parts/history-rounds.ts'
import type { Case } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'

const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]

/** Cases on recorded histories of several clients whose connections are lost. */
export const historiesOfCuts: readonly Case[] = [
  clause('faults', 'store', 'history')(
    'history-of-cuts',
    'Whatever connections are lost meanwhile, one order of the calls that answered, and of some that did not, explains all.',
    async (context) => {
      const { store, faults } = context.faulty(...CUTS)
      const cuts = CUTS.filter((fault) => faults.offers.includes(fault))
      const [, ...others] = await clientsOf(context, 2)
      await playRounds(
        context,
        [store, ...others],
        () => ({}),
        30,
        (round) => faults.inject(cuts[round % cuts.length]!, { after: Math.floor(round / cuts.length) % 5 }),
      )
      await faults.heal()
    },
  ),
]

import type { SessionKey, SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../contract.ts'
import { play, type Play } from '../history/client.ts'
import { shrink, stepsOf } from '../history/counter-example.ts'
import type { Operation } from '../history/history.ts'
import { linearizable } from '../history/linearizability.ts'
import { randomFrom } from '../random.ts'
import { CounterExample, Inconclusive } from '../result.ts'
import type { Fault } from '../fault-switch.ts'
import { clause, processes, revokes } from './case.ts'

const CALLS = 8
const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]

/** Throws unless one order of the calls explains every answer. */
function judge(history: readonly Operation[], { store }: CaseContext): void {
  const { staleMs } = store.traits
  // An order can be found for calls of which nothing is known: a store that refuses them all would pass.
  if (history.every(({ answer }) => answer === undefined))
    throw new Error('the store answered none of these calls; the cases of the other layers show what it threw')
  const verdict = linearizable(history, staleMs)
  if (verdict === 'out of budget') throw new Inconclusive('the search for an order of the calls ran out of its budget')
  if (verdict === 'impossible')
    throw new CounterExample(
      'no order of these calls explains every answer: the last one to end cannot be right',
      stepsOf(shrink(history, staleMs)),
    )
}

/** Several clients at one record, each time another. */
async function playRounds(
  context: CaseContext,
  clients: readonly SessionStore[],
  planOf: (key: SessionKey, client: number, seed: number) => Partial<Play>,
  full = 60,
  before: (round: number) => void = () => {},
): Promise<void> {
  const { key, now, seed, rounds } = context
  const random = randomFrom(seed)
  for (let round = 0; round < rounds(full); round++) {
    const at = key()
    before(round)
    const played = await Promise.all(
      clients.map((store, i) => {
        const own = Math.floor(random() * 2 ** 31)
        return play(store, { client: `client ${i + 1}`, key: at, seed: own, calls: CALLS, now, ...planOf(at, i, own) })
      }),
    )
    judge(played.flat(), context)
  }
}

async function clientsOf({ store, space }: CaseContext, others: number): Promise<SessionStore[]> {
  const clients = [store]
  for (let i = 0; i < others; i++) clients.push(await space.connect())
  return clients
}

/** What several clients do at once, written down and looked at afterwards. */
export const histories: readonly Case[] = [
  clause('races', 'store', 'history')(
    'history-of-clients',
    'Whatever several clients do to a record at once, one order of their calls explains every answer.',
    async (context) => playRounds(context, await clientsOf(context, 3), () => ({})),
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
  clause('subjects', 'store', 'history')(
    'history-of-revocation',
    'Whatever is written while a subject is revoked, one order of the calls explains every answer: what went stays gone.',
    async (context) =>
      playRounds(context, await clientsOf(context, 3), (_, i) => ({
        subject: 'ann',
        kinds: i === 0 ? ['read', 'revoke', 'create'] : ['read', 'create', 'replace', 'touch'],
      })),
    revokes,
  ),
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

import type { SessionKey, SessionStore } from '@sess/core'
import type { CaseContext } from '../contract.ts'
import { play, type Play } from '../history/client.ts'
import { shrink, stepsOf } from '../history/counter-example.ts'
import type { Operation } from '../history/history.ts'
import { linearizable } from '../history/linearizability.ts'
import { randomFrom } from '../random.ts'
import { CounterExample, Inconclusive } from '../result.ts'

/** How many calls each client makes on a record. */
export const CALLS = 8

/**
 * Judges a history.
 *
 * @throws {CounterExample} If no order of the calls explains every answer.
 * @throws {Inconclusive} If the search runs out of its budget.
 */
export function judge(history: readonly Operation[], { store, now }: CaseContext): void {
  const { staleMs } = store.traits
  // Without this check a store that refuses all calls would pass, because calls without answers fit every order.
  if (history.every(({ answer }) => answer === undefined))
    throw new Error('the store answered none of these calls; the cases of the other layers show what it threw')
  const verdict = linearizable(history, staleMs)
  if (verdict === 'out of budget') throw new Inconclusive('the search for an order of the calls ran out of its budget')
  if (verdict === 'impossible')
    throw new CounterExample(
      'no order of these calls explains every answer: the last one to end cannot be right',
      stepsOf(shrink(history, staleMs), now),
    )
}

/** Runs rounds in which several clients call one record at once. Each round has a new record. */
export async function playRounds(
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

export async function clientsOf({ store, space }: CaseContext, others: number): Promise<SessionStore[]> {
  const clients = [store]
  for (let i = 0; i < others; i++) clients.push(await space.connect())
  return clients
}

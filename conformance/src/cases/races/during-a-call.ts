import type { SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { made, type Caller } from '../../history/client.ts'
import type { Call, Operation, Version } from '../../history/history.ts'
import { CounterExample } from '../../result.ts'
import { clause } from '../../case-parts/case.ts'
import { judge } from '../../case-parts/history-rounds.ts'
import { harnessMakes, recovered, strikes } from '../../case-parts/trouble.ts'

/** How many requests of a call are disturbed at most. */
const MOST_REQUESTS = 8
/** For how long a request is held up, in ms. Another client's call takes less, or the two meet in another order. */
const HELD_MS = 40
/** The record has expired for a caller whose clock is ahead, and is live for the others. In ms. */
const [LIFE_MS, AHEAD_MS] = [5000, 10_000]

/** A call, and how far the clock of its caller is ahead, in ms. */
interface Move {
  readonly call: Call
  readonly ahead?: number
}

/** Every write, of the record that both clients have read. Each writes a payload and an expiry of its own. */
function moves({ now }: CaseContext, who: string, first: Version): readonly Move[] {
  const [payload, expiresAt] = [who, now + 60_000 + who.length * 1000]
  return [
    // It finds an expired record, and writes in its place.
    { call: { kind: 'create', payload, expiresAt }, ahead: AHEAD_MS },
    { call: { kind: 'replace', payload, expiresAt, expected: first } },
    { call: { kind: 'touch', expiresAt, expected: first } },
    { call: { kind: 'delete' } },
    { call: { kind: 'revoke' } },
  ]
}

/** A call in which something happens at one of its requests, and the calls of another client meanwhile. */
interface Meeting {
  /** The call that is disturbed. */
  readonly mine: Move
  readonly theirs: readonly Move[]
  readonly fault: Fault
  /** False: there is no record at first. Default: true. */
  readonly isThere?: boolean
}

/**
 * Disturbs a call at each of its requests in turn, lets another client act before the call goes on, and expects one order of all calls
 * to explain every answer and what is there at the end.
 */
async function meet(context: CaseContext, { mine, theirs, fault, isThere = true }: Meeting): Promise<void> {
  const { store: it, space, key, now } = context
  const faults = space.faults!
  const other = await space.connect()
  for (let after = 0; after < MOST_REQUESTS; after++) {
    const history: Operation[] = []
    const at = key()
    const ask = async (client: string, store: SessionStore, { call, ahead = 0 }: Move): Promise<void> => {
      const caller: Caller = { client, key: at, subject: 'ann', now: now + ahead }
      const operation = await made(store, caller, call)
      if (operation) history.push(operation)
    }
    if (isThere) await ask('client 2', other, { call: { kind: 'create', payload: 'first', expiresAt: now + LIFE_MS } })
    const { struck } = faults
    faults.inject(fault, { ms: HELD_MS, after })
    const call = ask('client 1', it, mine)
    const isStruck = await strikes(faults, struck, call)
    // By these requests a client looks for the outcome of a write whose answer was lost.
    if (isStruck && fault !== 'late') faults.inject('late', { ms: HELD_MS, times: 2 })
    for (const move of isStruck ? theirs : []) await ask('client 2', other, move)
    await call
    await faults.heal()
    if (fault !== 'late') await recovered(it, at, now)
    await ask('client 2', other, { call: { kind: 'read', fresh: true } })
    try {
      judge(history, context)
    } catch (error) {
      if (error instanceof CounterExample) error.message = `${fault} at request ${after + 1}: ${error.message}`
      throw error
    }
    if (!isStruck) break
  }
}

/** The claimed moves: a store may have no revocation. */
const claimed = ({ store: it }: CaseContext, all: readonly Move[]): readonly Move[] =>
  all.filter(({ call }) => call.kind !== 'revoke' || it.deleteSubject)

/** Cases on what happens during a call: at each of its requests another client acts. */
export const duringACall: readonly Case[] = [
  clause('races', 'store', 'history')(
    'late-requests',
    'Whichever request of a write arrives late, and whatever another client writes meanwhile, one order of the two explains every answer.',
    async (context) => {
      const first: Version = { revision: 1, payload: 'first', expiresAt: context.now + LIFE_MS }
      for (const mine of claimed(context, moves(context, 'mine', first)))
        for (const their of claimed(context, moves(context, 'theirs', first)))
          await meet(context, { mine, theirs: [their], fault: 'late' })
    },
    harnessMakes('late'),
  ),
  clause('faults', 'store', 'history')(
    'cut-and-beaten',
    'A write whose connection is lost does not take for its own what another client writes meanwhile, be it the same, or the end and a new beginning.',
    async (context) => {
      const { now } = context
      const { offers } = context.space.faults!
      const first: Version = { revision: 1, payload: 'first', expiresAt: now + LIFE_MS }
      const create: Move = { call: { kind: 'create', payload: 'theirs', expiresAt: now + 90_000 } }
      const remove: Move = { call: { kind: 'delete' } }
      const mine = claimed(context, moves(context, 'mine', first))
      const theirs = moves(context, 'theirs', first)
      for (const fault of (['cut-before', 'cut-after'] as const).filter((one) => offers.includes(one)))
        for (const [i, move] of mine.entries()) {
          const isCreate = move.call.kind === 'create'
          const meeting = { mine: isCreate ? { call: move.call } : move, fault, isThere: !isCreate }
          await meet(context, { ...meeting, theirs: [isCreate ? create : theirs[i]!] })
          await meet(context, { ...meeting, theirs: [remove, create] })
        }
    },
    harnessMakes('cut-before', 'cut-after'),
  ),
]

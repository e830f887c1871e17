import assert from 'node:assert/strict'
import type { SessionKey, SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { made, type Caller } from '../../history/client.ts'
import type { Call, Operation, Version } from '../../history/history.ts'
import { CounterExample } from '../../result.ts'
import { clause, turns } from '../../case-parts/case.ts'
import { judge } from '../../case-parts/history-rounds.ts'
import { harnessMakes, recovered, strikes } from '../../case-parts/trouble.ts'

/** How many requests of a call are disturbed at most. */
const MOST_REQUESTS = 8
/** For how long a request is held up, in ms. Another client's call takes less, or the two meet in another order. */
const HELD_MS = 40
/** For how long a request is held up that outlasts a lock which was lent for a second, or two, in ms. */
const LONG_MS = 2400
/** How many requests a write has at most at which it is held up for that long: a lock, a read, the write, the end of the lock. */
const LONG_REQUESTS = 4
/** The record has expired for a caller whose clock is ahead, and is live for the others. In ms. */
const [LIFE_MS, AHEAD_MS] = [5000, 10_000]

/** A call, and how far the clock of its caller is ahead, in ms. */
interface Move {
  readonly call: Call
  readonly ahead?: number
}

/** A time after `now` that the store keeps as it is: a model compares it. */
const end = ({ store, now }: CaseContext, life: number): number =>
  now + life - ((now + life) % store.traits.expiryResolutionMs)

/** The record that both clients have read. */
const firstOf = (context: CaseContext): Version => ({
  revision: 1,
  payload: 'first',
  expiresAt: end(context, LIFE_MS),
})

/** The claimed moves: a store may have no revocation. */
const claimed = ({ store: it }: CaseContext, all: readonly Move[]): readonly Move[] =>
  all.filter(({ call }) => call.kind !== 'revoke' || it.deleteSubject)

/** Every write, of the record that both clients have read. Each writes a payload and an expiry of its own. */
function moves(context: CaseContext, who: string): readonly Move[] {
  const first = firstOf(context)
  const [payload, expiresAt] = [who, end(context, 60_000 + who.length * 1000)]
  return claimed(context, [
    // It finds an expired record, and writes in its place.
    { call: { kind: 'create', payload, expiresAt }, ahead: AHEAD_MS },
    { call: { kind: 'replace', payload, expiresAt, expected: first } },
    { call: { kind: 'touch', expiresAt, expected: first } },
    { call: { kind: 'delete' } },
    { call: { kind: 'revoke' } },
  ])
}

/** Ends of a record, each with a new beginning of the same revision. */
function newBeginnings(context: CaseContext): readonly (readonly Move[])[] {
  const create: Move = { call: { kind: 'create', payload: 'new', expiresAt: end(context, 90_000) } }
  return claimed(context, [{ call: { kind: 'delete' } }, { call: { kind: 'revoke' } }]).map((one) => [one, create])
}

/** Makes calls on one record, and keeps their history. */
function historyOf({ now }: CaseContext, key: SessionKey) {
  const history: Operation[] = []
  const ask = async (client: string, store: SessionStore, { call, ahead = 0 }: Move): Promise<void> => {
    const caller: Caller = { client, key, subject: 'ann', now: now + ahead }
    const operation = await made(store, caller, call)
    if (!operation) return
    const { answer } = operation
    // A revocation may also end what came in while it was under way: one that ended two records counts as two.
    if (typeof answer === 'number' && answer > 1)
      for (let ended = 0; ended < answer; ended++) history.push({ ...operation, answer: 1 })
    else history.push(operation)
  }
  return { history, ask }
}

const read: Move = { call: { kind: 'read', fresh: true } }

/** A call in which something happens at one of its requests, and the calls of another client meanwhile. */
interface Meeting {
  /** The call that is disturbed. */
  readonly mine: Move
  readonly theirs: readonly Move[]
  readonly fault: Fault
  /** False: there is no record at first. Default: true. */
  readonly isThere?: boolean
}

/** Disturbs a call at one of its requests, and lets another client act before the call goes on. It resolves to whether it had that request. */
async function meetAt(
  context: CaseContext,
  { mine, theirs, fault, isThere = true }: Meeting,
  other: SessionStore,
  after: number,
  ms: number,
): Promise<boolean> {
  const { store: it, space, key, now } = context
  const faults = space.faults!
  const at = key()
  const { history, ask } = historyOf(context, at)
  if (isThere) await ask('client 2', other, { call: { kind: 'create', ...firstOf(context) } })
  const { struck } = faults
  faults.inject(fault, { ms, after })
  const call = ask('client 1', it, mine)
  const isStruck = await strikes(faults, struck, call)
  // By these requests a client looks for the outcome of a write whose answer was lost.
  if (isStruck && fault !== 'late') faults.inject('late', { ms, times: 2 })
  for (const move of isStruck ? theirs : []) await ask('client 2', other, move)
  await call
  await faults.heal()
  if (fault !== 'late') await recovered(it, at, now)
  await ask('client 2', other, read)
  try {
    judge(history, context)
  } catch (error) {
    if (error instanceof CounterExample) error.message = `${fault} at request ${after + 1}: ${error.message}`
    throw error
  }
  return isStruck
}

/**
 * Disturbs a call at each of its requests in turn, lets another client act before the call goes on, and expects one order of all calls
 * to explain every answer and what is there at the end.
 */
async function meet(context: CaseContext, meeting: Meeting): Promise<void> {
  const other = await context.space.connect()
  for (let after = 0; after < MOST_REQUESTS; after++)
    if (!(await meetAt(context, meeting, other, after, HELD_MS))) break
}

/** Cases on what happens during a call: at each of its requests another client acts, or its own client calls again. */
export const duringACall: readonly Case[] = [
  clause('races', 'store', 'history')(
    'late-requests',
    'Whichever request of a write arrives late, and whatever another client does meanwhile, be it a write, or the end of the record and a new beginning, one order of all calls explains every answer.',
    async (context) => {
      for (const mine of moves(context, 'mine'))
        for (const theirs of [...moves(context, 'theirs').map((move) => [move]), ...newBeginnings(context)])
          await meet(context, { mine, theirs, fault: 'late' })
    },
    harnessMakes('late'),
  ),
  clause('races', 'store', 'history')(
    'late-for-long',
    'A replace one of whose requests is held up for seconds, for longer than a lock may be lent, brings nothing back that another client has ended meanwhile.',
    async (context) => {
      const [first, expiresAt] = [firstOf(context), end(context, 60_000)]
      const mine: Move = { call: { kind: 'replace', payload: 'mine', expiresAt, expected: first } }
      // All requests at once, each in a namespace of its own: together they take the time of one.
      const trials = Array.from({ length: LONG_REQUESTS }, async (_, after) => {
        const space = await context.harness.open()
        try {
          const meeting = { mine, theirs: [{ call: { kind: 'delete' } } as Move, read], fault: 'late' } as const
          await meetAt({ ...context, space, store: space.store }, meeting, await space.connect(), after, LONG_MS)
        } finally {
          await space.close()
        }
      })
      await Promise.all(trials)
    },
    harnessMakes('late'),
  ),
  clause('races', 'store', 'history')(
    'one-client-at-once',
    'Two calls of one client to one record at once, of one kind or of two, are each answered by themselves: one order of the two explains every answer.',
    async (context) => {
      const { store: it, space, key } = context
      const other = await space.connect()
      for (const mine of [...moves(context, 'mine'), read])
        for (const next of [...moves(context, 'later'), read])
          for (const between of [0, 1]) {
            const { history, ask } = historyOf(context, key())
            await ask('client 1', it, { call: { kind: 'create', ...firstOf(context) } })
            const first = ask('client 1', it, mine)
            await turns(between)
            await Promise.all([first, ask('client 1', it, next)])
            await ask('client 2', other, read)
            const failed = 4 - history.length + history.filter(({ answer }) => answer === undefined).length
            assert.ok(failed <= 0, `of a ${mine.call.kind} and a ${next.call.kind} at once, ${failed} failed`)
            judge(history, context)
          }
    },
  ),
  clause('faults', 'store', 'history')(
    'cut-and-beaten',
    'A write whose connection is lost does not take for its own what another client writes meanwhile, be it the same, or the end and a new beginning.',
    async (context) => {
      const { offers } = context.space.faults!
      const create: Move = { call: { kind: 'create', payload: 'theirs', expiresAt: end(context, 90_000) } }
      const theirs = moves(context, 'theirs')
      for (const fault of (['cut-before', 'cut-after'] as const).filter((one) => offers.includes(one)))
        for (const [i, move] of moves(context, 'mine').entries()) {
          const isCreate = move.call.kind === 'create'
          const meeting = { mine: isCreate ? { call: move.call } : move, fault, isThere: !isCreate }
          await meet(context, { ...meeting, theirs: [isCreate ? create : theirs[i]!] })
          await meet(context, { ...meeting, theirs: [{ call: { kind: 'delete' } }, create] })
        }
    },
    harnessMakes('cut-before', 'cut-after'),
  ),
]

import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { SessionKey } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext, Space } from '../../contract.ts'
import { clause, listed } from '../../case-parts/case.ts'
import { harnessMakes, payloadOf, promised, settle } from '../../case-parts/trouble.ts'

const store = clause('faults', 'store', 'fault')

/** For how long requests or answers are held up, and how much later a request arrives at the latest, in ms. Many clients wait for one second, or two. */
const [HELD_MS, ARRIVAL_MS] = [2400, 100]

/** A call of one method, on a record of its own. */
interface Trial {
  readonly name: string
  /** There is no record at first. */
  readonly isNew?: boolean
  call(key: SessionKey): Promise<unknown>
  /** The answers that are true. */
  readonly answers: readonly unknown[]
  /** For a write: whether it was done. */
  isDone?(key: SessionKey): Promise<boolean>
}

/** Makes a call of each method at once, while every request or every answer is held up. */
async function allHeldUp({ key, record, now }: CaseContext, space: Space, fault: 'late' | 'slow'): Promise<void> {
  const { store: it } = space
  const faults = space.faults!
  const other = await space.connect()
  const first = record({ subject: 'ann', payload: Buffer.from('first') })
  const expected = asExpected(first)
  const seen = (at: SessionKey) => other.read(at, now, { fresh: true })
  const isGone = async (at: SessionKey): Promise<boolean> => (await seen(at)) === undefined
  const ann = ({ tag }: SessionKey) => ({ id: 'ann', tag })
  const trials: readonly Trial[] = [
    { name: 'read', call: async (at) => payloadOf(await it.read(at, now, { fresh: true })), answers: ['first'] },
    {
      name: 'create',
      isNew: true,
      call: (at) => it.create(at, first, now),
      answers: [true],
      isDone: async (at) => !(await isGone(at)),
    },
    {
      name: 'replace',
      call: (at) => it.replace(at, expected, { ...first, revision: 2 }, now),
      answers: ['replaced'],
      isDone: async (at) => (await seen(at))?.revision === 2,
    },
    {
      name: 'touch',
      call: (at) => it.touch(at, expected, now + 120_000, now),
      answers: ['touched'],
      isDone: async (at) => ((await seen(at))?.expiresAt ?? 0) > now + 90_000,
    },
    { name: 'delete', call: (at) => it.delete(at, now), answers: [true], isDone: isGone },
    ...(it.deleteSubject
      ? [
          {
            name: 'deleteSubject',
            call: (at: SessionKey) => sum(it.deleteSubject!(ann(at), now)),
            answers: [1, undefined],
            isDone: isGone,
          },
        ]
      : []),
    ...(it.list
      ? [{ name: 'list', call: async (at: SessionKey) => (await listed(it, ann(at), now)).length, answers: [1] }]
      : []),
  ]
  const keys = trials.map(() => key())
  for (const [i, { isNew }] of trials.entries()) if (!isNew) await other.create(keys[i]!, first, now)
  await it.read(keys[0]!, now)
  const began = performance.now()
  faults.inject(fault, { ms: HELD_MS, times: Infinity })
  const answers = await Promise.all(trials.map(({ call }, i) => settle(call(keys[i]!))))
  // A request that its client no longer waits for arrives by then.
  await setTimeout(Math.max(0, HELD_MS + ARRIVAL_MS - (performance.now() - began)))
  await faults.heal()
  for (const [i, { name, answers: right, isDone }] of trials.entries()) {
    const answer = answers[i]!
    const done = await isDone?.(keys[i]!)
    if (promised(answer)) assert.ok(!done, `the ${name} threw store_unavailable, and was done later`)
    if ('error' in answer) continue
    assert.ok(right.includes(answer.value), `the ${name} answered ${String(answer.value)}`)
    assert.notEqual(done, false, `the ${name} answered, and was not done`)
  }
}

async function inSpaceOfItsOwn(context: CaseContext, fault: 'late' | 'slow'): Promise<void> {
  const space = await context.harness.open()
  try {
    await allHeldUp(context, space, fault)
  } finally {
    await space.close()
  }
}

/** Cases on requests and answers that are held up. */
export const heldUp: readonly Case[] = [
  store(
    'held-up',
    'A call whose request or answer is held up answers what is true, or throws, and throws store_unavailable only if nothing was or will be written.',
    async (context) => {
      const { offers } = context.space.faults!
      // At once, so that together they take the time of one.
      await Promise.all(
        (['late', 'slow'] as const)
          .filter((one) => offers.includes(one))
          .map((fault) => inSpaceOfItsOwn(context, fault)),
      )
    },
    harnessMakes('late', 'slow'),
  ),
]

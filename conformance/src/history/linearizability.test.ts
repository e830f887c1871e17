import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shrink, stepsOf } from './counter-example.ts'
import type { Answer, Call, Operation, Version } from './history.ts'
import { linearizable } from './linearizability.ts'
import { apply, type State } from './record-model.ts'

const LATER = 1_000_000

const versions: fc.Arbitrary<Version> = fc.record({
  revision: fc.integer({ min: 1, max: 3 }),
  payload: fc.constantFrom('a', 'b', 'c'),
  expiresAt: fc.constant(LATER),
})

const calls: fc.Arbitrary<Call> = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('read'), fresh: fc.boolean() }), weight: 3 },
  fc.record({ kind: fc.constant('create'), payload: fc.constantFrom('a', 'b'), expiresAt: fc.constant(LATER) }),
  {
    arbitrary: fc.record({
      kind: fc.constant('replace'),
      payload: fc.constantFrom('b', 'c'),
      expiresAt: fc.constant(LATER),
      expected: versions,
    }),
    weight: 4,
  },
  fc.record({ kind: fc.constant('touch'), expiresAt: fc.integer({ min: 1, max: 2 * LATER }), expected: versions }),
  fc.record({ kind: fc.constant('delete') }),
  fc.record({ kind: fc.constant('revoke') }),
)

const ANSWERS: Readonly<Record<Call['kind'], readonly Answer[]>> = {
  read: ['missing', { revision: 1, payload: 'a', expiresAt: LATER }, { revision: 2, payload: 'c', expiresAt: LATER }],
  create: [true, false],
  replace: ['replaced', 'conflict', 'missing'],
  touch: ['touched', 'conflict', 'missing'],
  delete: [true, false],
  revoke: [0, 1, 'done'],
}

/** All right answers of a store in a state, to a caller with a clock. */
function rightAnswers(state: State, call: Call, now = -Infinity): Answer[] {
  const possible: readonly Answer[] = call.kind === 'read' ? [...(state ? [state] : []), 'missing'] : ANSWERS[call.kind]
  return possible.filter((answer) => apply(state, { ...operation(call, answer), now }) !== 'impossible')
}

const operation = (call: Call, answer: Answer | undefined, from = 0, to = 0, client = 'a'): Operation => ({
  client,
  call,
  answer,
  from,
  to,
})

/** The clocks of callers: for one that is ahead, what ends `LATER` has ended. */
const clocks = fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.constant(LATER), weight: 1 })

/** Makes a history of a sound store: each call takes effect at one moment between its start and its end. */
const sound: fc.Arbitrary<Operation[]> = fc
  .array(
    fc.record({ call: calls, before: fc.nat(30), after: fc.nat(30), lost: fc.nat(9), pick: fc.nat(), now: clocks }),
    {
      minLength: 1,
      maxLength: 14,
    },
  )
  .map((items) => {
    let state: State
    return items.map(({ call, before, after, lost, pick, now }, i) => {
      const right = rightAnswers(state, call, now)
      const known = { ...operation(call, right[pick % right.length]!, i * 10 - before, i * 10 + after), now }
      state = apply(state, known) as State
      return lost === 0 && call.kind !== 'read' ? { ...known, answer: undefined, to: Infinity } : known
    })
  })

/** Judges a history by all orders: slow, and certain. */
function byEveryOrder(left: readonly Operation[], state: State): boolean {
  if (left.every(({ answer }) => answer === undefined)) return true
  const end = Math.min(...left.map(({ to }) => to))
  return left.some((one, i) => {
    if (one.from > end) return false
    const after = apply(state, one)
    return after !== 'impossible' && byEveryOrder(left.toSpliced(i, 1), after)
  })
}

describe('the search for a linear order of calls', () => {
  test('accepts every history of a sound store', () => {
    fc.assert(
      fc.property(sound, (history) => linearizable(history) === 'linearizable'),
      { numRuns: 2000 },
    )
  })

  test('rejects any other answer if calls do not overlap', () => {
    const sequential = fc.tuple(fc.array(calls, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat())
    fc.assert(
      fc.property(sequential, ([items, where, which]) => {
        let state: State
        const corrupted: Operation[] = []
        for (const [i, call] of items.entries()) {
          const right = rightAnswers(state, call)
          const wrong = ANSWERS[call.kind].filter((answer) => apply(state, operation(call, answer)) === 'impossible')
          const swap = i === where % items.length ? wrong[which % wrong.length] : undefined
          corrupted.push(operation(call, swap ?? right[0]!, i * 10, i * 10 + 5))
          state = apply(state, operation(call, right[0]!)) as State
          if (swap !== undefined) return linearizable(corrupted) === 'impossible'
        }
        return true
      }),
      { numRuns: 2000 },
    )
  })

  test('agrees with an exhaustive search of all orders, for all answers', () => {
    const any = fc.array(
      fc.record({ call: calls, from: fc.nat(40), length: fc.nat(30), pick: fc.nat(), lost: fc.nat(6) }),
      { minLength: 2, maxLength: 6 },
    )
    const counts = { linearizable: 0, impossible: 0 }
    fc.assert(
      fc.property(any, (items) => {
        const history = items.map(({ call, from, length, pick, lost }) => {
          const answers = ANSWERS[call.kind]
          return lost === 0
            ? operation(call, undefined, from, Infinity)
            : operation(call, answers[pick % answers.length]!, from, from + length)
        })
        const expected = byEveryOrder(history, undefined) ? 'linearizable' : 'impossible'
        counts[expected]++
        expect(linearizable(history)).toBe(expected)
      }),
      { numRuns: 5000 },
    )
    expect(Math.min(counts.linearizable, counts.impossible)).toBeGreaterThan(300)
  })

  test('stops at its budget, and does not report that as a pass', () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      operation(
        { kind: 'create', payload: `${i}`, expiresAt: LATER },
        i === 0 ? true : undefined,
        0,
        i === 0 ? 100 : Infinity,
      ),
    )
    const impossible = operation({ kind: 'delete' }, false, 50, 60)
    expect(linearizable([...many, impossible, operation({ kind: 'delete' }, true, 0, 1)], 0, 5)).toBe('out of budget')
  })

  test('accepts stale answers of a cache, only for its staleMs and only from reads that may be stale', () => {
    const history = (fresh: boolean): Operation[] => [
      operation({ kind: 'create', payload: 'a', expiresAt: LATER }, true, 0, 10),
      operation({ kind: 'delete' }, true, 20, 30),
      operation({ kind: 'read', fresh }, { revision: 1, payload: 'a', expiresAt: LATER }, 1000, 1010, 'b'),
    ]
    expect(linearizable(history(false), 2000)).toBe('linearizable')
    expect(linearizable(history(false), 500)).toBe('impossible')
    expect(linearizable(history(true), 2000)).toBe('impossible')
  })
})

test('a counter-example is reduced to the calls that it needs, and its last answer is marked', () => {
  const first: Version = { revision: 1, payload: 'a', expiresAt: LATER }
  const second: Version = { revision: 2, payload: 'b', expiresAt: LATER }
  const replace: Call = { kind: 'replace', payload: 'b', expiresAt: LATER, expected: first }
  const history = [
    operation({ kind: 'create', payload: 'z', expiresAt: LATER }, true, -4, -3),
    operation({ kind: 'delete' }, true, -2, -1),
    operation({ kind: 'create', payload: 'a', expiresAt: LATER }, true, 0, 1),
    operation({ kind: 'read', fresh: true }, first, 2, 3),
    operation(replace, 'replaced', 4, 6),
    operation({ kind: 'read', fresh: true }, second, 5, 7, 'b'),
    operation({ ...replace, payload: 'c' }, 'replaced', 8, 9, 'b'),
    operation({ kind: 'delete' }, true, 10, 11),
    operation({ kind: 'read', fresh: true }, 'missing', 12, 13),
  ]
  expect(
    stepsOf(shrink(history), LATER - 5000).map(({ call, answer, wrong }) => `${call} = ${answer}${wrong ? ' !' : ''}`),
  ).toEqual([
    'create(r1 "a" to now+5000) = true',
    'replace(r2 "b" to now+5000, expected r1 "a" to now+5000) = replaced',
    'replace(r2 "c" to now+5000, expected r1 "a" to now+5000) = replaced !',
  ])
})

/** The combinations of requests that run in parallel. */
import {
  cookiesOf,
  hasWindow,
  OPERATIONS,
  STARTS,
  type Cookie,
  type Operation,
  type Request,
  type Seat,
  type StartName,
} from './requests.ts'
import type { Scenario } from './scheduler.ts'

const SEATS: readonly Seat[] = ['A', 'B', 'C']
const COMMON = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => operation !== 'burst')

/** All pairs: after every start, every operation with every cookie, in parallel with every other; and each with a long gap of writes. */
export function pairs(): Scenario[] {
  const gaps = (['commit', 'update', 'regenerate', 'login', 'logout'] as const).map((operation): Scenario => ({
    ...scenario('signed-in', [
      { operation, cookie: 'current' },
      { operation: 'burst', cookie: 'current' },
    ]),
    switches: 3,
  }))
  return [...STARTS.flatMap((start) => groups(start, 2, cookiesOf(start))), ...gaps]
}

/** All pairs without forged cookies in which one of the two processes has a slow clock. */
export function skewed(): Scenario[] {
  const known = (start: StartName): Cookie[] => cookiesOf(start).filter((cookie) => cookie !== 'forged')
  return STARTS.flatMap((start) => groups(start, 2, known(start))).flatMap((pair) =>
    pair.requests.map((slow) => ({
      ...pair,
      requests: pair.requests.map((request) => (request === slow ? { ...request, behind: true as const } : request)),
    })),
  )
}

/** All triples without forged cookies, which have no effect on the other requests. */
export function triples(): Scenario[] {
  return STARTS.flatMap((start) =>
    groups(
      start,
      3,
      cookiesOf(start).filter((cookie) => cookie !== 'forged'),
    ),
  )
}

/** A random sample, which only depends on the seed. */
export function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  const rest = [...items]
  const taken: T[] = []
  // A linear congruential generator is good enough to choose tests, and is the same on every machine.
  let state = seed >>> 0
  while (taken.length < count && rest.length > 0) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    taken.push(...rest.splice(Math.floor((state / 2 ** 32) * rest.length), 1))
  }
  return taken
}

/** Groups of requests after a start; their order does not matter. At least one request has the current cookie. */
function groups(start: StartName, size: number, cookies: readonly Cookie[]): Scenario[] {
  const kinds = cookies.flatMap((cookie) => COMMON.map((operation) => ({ operation, cookie })))
  const pick = (from: number, left: number): Omit<Request, 'seat'>[][] =>
    left === 0
      ? [[]]
      : kinds.flatMap((kind, i) => (i < from ? [] : pick(i, left - 1).map((others) => [kind, ...others])))
  return pick(0, size)
    .filter((group) => group.some(({ cookie }) => cookie === 'current') || start.startsWith('kept'))
    .map((group) => scenario(start, group))
}

function scenario(start: StartName, group: readonly Omit<Request, 'seat'>[]): Scenario {
  const clock = hasWindow(start) || group.some(({ operation }) => operation === 'regenerate-keep')
  return { start, requests: group.map((request, i) => ({ seat: SEATS[i]!, ...request })), clock }
}

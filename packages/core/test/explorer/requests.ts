/** The starts and the requests that the explorer combines. A request is one load and one operation. */
import { bindingOf, type CookieChange } from '../../src/binding.ts'
import type { Session, Sessions } from '../../src/index.ts'
import { heldStore } from '../held-store.ts'
import type { Records } from '../records.ts'
import type { Core } from './core.ts'
import { move, Stream } from './determinism.ts'

/** The time at which every request starts, in ms. */
export const BEGIN = 1_700_000_000_000
/** The `keepOldFor` of rotations, in ms, and by how much the clock moves in a scenario with `clock`. */
export const WINDOW = 10_000

/** By how much the clock of a request with `behind` is late, in ms: more than a window, less than the life of a marker. */
export const BEHIND = 30_000

const OPTIONS = { touchAfter: '1s', log: false } as const

/** The pepper of the requests, if the start was made without a pepper. */
export const PEPPER = 'a pepper that was introduced later'

/** The options of the processes that serve the requests after a start. */
export function optionsOf(start: StartName): typeof OPTIONS & { readonly pepper?: readonly (string | false)[] } {
  return start === 'old-pepper' ? { ...OPTIONS, pepper: [PEPPER, false] } : OPTIONS
}

/** The subjects: `login` signs in the first, `login-other` the second. A session that is signed in at the start belongs to the first. */
export const SUBJECT = 'ann'
export const OTHER = 'bob'

/** The cookie of a request. `forged`: the session's handle with a secret that was never issued. */
export type Cookie = 'current' | 'old' | 'forged'

export type Data = Record<string, unknown>

/** A place in a schedule: the requests are A, B and C. */
export type Seat = 'A' | 'B' | 'C'

/** The session that exists before the requests run. */
export interface Start {
  readonly name: StartName
  readonly records: Records
  readonly handle: string
  readonly subject: string | undefined
  readonly data: Data
  readonly cookies: Readonly<Partial<Record<Cookie, string>>>
}

/** How a start is made. */
interface Making {
  readonly subject?: string
  /** The secret was rotated one second ago, and the old secret is kept for this time, in ms. */
  readonly rotated?: { readonly keepFor: number }
  readonly cookies: readonly Cookie[]
}

const OLD = ['current', 'old'] as const

const MAKINGS = {
  anonymous: { cookies: ['current', 'forged'] },
  'signed-in': { subject: SUBJECT, cookies: ['current'] },
  rotated: { subject: SUBJECT, rotated: { keepFor: 0 }, cookies: OLD },
  kept: { subject: SUBJECT, rotated: { keepFor: WINDOW + 1000 }, cookies: OLD },
  /** Made before there was a pepper. */
  'old-pepper': { subject: SUBJECT, cookies: ['current'] },
  'kept-anonymous': { rotated: { keepFor: WINDOW + 1000 }, cookies: OLD },
} as const satisfies Record<string, Making>

export type StartName = keyof typeof MAKINGS
export const STARTS = Object.keys(MAKINGS) as StartName[]

/** The cookies that requests may have after a start. */
export function cookiesOf(start: StartName): readonly Cookie[] {
  return MAKINGS[start].cookies
}

/** True if a window closes when the clock moves. */
export function hasWindow(start: StartName): boolean {
  const making: Making = MAKINGS[start]
  return (making.rotated?.keepFor ?? 0) > 0
}

/** The data of every start: a value that could be lost, a counter, a key that all requests change, and a key for each request to delete. */
const DATA: Data = { cart: 'book', count: 0, shared: 'start', deleteA: 1, deleteB: 1, deleteC: 1 }

/** Makes a start with the tested core. */
export async function makeStart(core: Core, name: StartName): Promise<Start> {
  const { subject, rotated }: Making = MAKINGS[name]
  const store = heldStore()
  const stream = new Stream('start')
  let now = BEGIN - 5000
  const sessions: Sessions<Data> = core.createSessions<Data>({ store, clock: () => now, sweepEvery: false, ...OPTIONS })
  const done = async <T>(act: () => Promise<T>): Promise<T> => {
    let result!: Promise<T>
    await move(stream, () => {
      result = act()
    })
    return result
  }
  const session = await done(() => sessions.load(undefined))
  Object.assign(session.data, DATA)
  await done(() => (subject === undefined ? session.commit() : session.login(subject)))
  const first = cookieOf(session)
  if (rotated) {
    now = BEGIN - 1000
    const keep = rotated.keepFor > 0 ? { keepOldFor: rotated.keepFor } : {}
    await done(() => session.regenerate(keep))
  }
  const handle = session.handle!
  return {
    name,
    records: new Map(store.records),
    handle,
    subject,
    data: DATA,
    cookies: { current: cookieOf(session), forged: handle + 'x'.repeat(32), ...(rotated && { old: first }) },
  }
}

function cookieChangeOf(session: Session<Data>): { readonly cookie?: CookieChange } {
  const { cookieChange } = bindingOf(session)
  return cookieChange ? { cookie: cookieChange } : {}
}

function cookieOf(session: Session<Data>): string {
  const change = bindingOf(session).cookieChange
  if (change?.action !== 'set') throw new Error('a start was not written')
  return change.value
}

/** A request: a seat, a cookie and an operation. */
export interface Request {
  readonly seat: Seat
  readonly operation: Operation
  readonly cookie: Cookie
  /** Its process has a clock that is {@link BEHIND} late. */
  readonly behind?: true
}

/** The time of a request's own clock. */
export function timeAt({ behind }: Request, now: number): number {
  return behind ? now - BEHIND : now
}

/** The arguments of an operation. */
interface Hand {
  readonly sessions: Sessions<Data>
  readonly session: Session<Data>
  readonly seat: Seat
  readonly start: Start
}

/** The result of an operation: a status, or the result of `revoke` or `revokeSubject`. */
type Said = string | boolean | number | undefined

/** Changes keys that no other request changes, and one key that all requests change. */
function change({ session, seat }: Hand): void {
  session.data[`key${seat}`] = seat
  delete session.data[`delete${seat}`]
}

async function commit(hand: Hand): Promise<Said> {
  change(hand)
  hand.session.data['shared'] = hand.seat
  return (await hand.session.commit()).status
}

async function update(hand: Hand): Promise<Said> {
  change(hand)
  return (await hand.session.update((data) => void (data['count'] = Number(data['count'] ?? 0) + 1))).status
}

export const OPERATIONS = {
  commit,
  update,
  async login(hand) {
    hand.session.data[`key${hand.seat}`] = hand.seat
    return (await hand.session.login(SUBJECT)).status
  },
  async 'login-other'(hand) {
    hand.session.data[`key${hand.seat}`] = hand.seat
    return (await hand.session.login(OTHER)).status
  },
  async regenerate(hand) {
    hand.session.data[`key${hand.seat}`] = hand.seat
    return (await hand.session.regenerate()).status
  },
  async 'regenerate-keep'(hand) {
    hand.session.data[`key${hand.seat}`] = hand.seat
    return (await hand.session.regenerate({ keepOldFor: WINDOW })).status
  },
  async logout({ session }) {
    await session.logout()
    return 'done'
  },
  revoke: ({ sessions, start }) =>
    sessions.revoke(start.handle, start.subject === undefined ? { anySubject: true } : { subject: start.subject }),
  'revoke-subject': ({ sessions }) => sessions.revokeSubject(SUBJECT),
  'revoke-others': ({ sessions, session }) => sessions.revokeSubject(SUBJECT, { except: session }),
  /** A commit without changes: a touch. */
  visit: async ({ session }) => (await session.commit()).status,
  /** More writes than the write log of a record holds. */
  async burst({ session }) {
    const said = new Set<string>()
    for (let i = 0; i < 9; i++) {
      const { status } = await session.update((data) => void (data['burst'] = Number(data['burst'] ?? 0) + 1))
      said.add(status)
    }
    return said.size === 1 && said.has('saved') ? 'saved' : 'stopped'
  },
} as const satisfies Record<string, (hand: Hand) => Promise<Said>>

export type Operation = keyof typeof OPERATIONS

/** How a request ended. */
export interface Ending {
  /** The result of the operation. */
  readonly said?: Said
  /** The code of the SessError that was thrown, or the message of any other error. */
  readonly threw?: string
  /** The session after the load. */
  readonly loaded?: Glance
  /** The session at the end. */
  readonly left?: Glance
  readonly cookie?: CookieChange
  /** The keys of the conflict events. */
  readonly conflicts: readonly string[]
}

/** The visible state of a session object. */
export interface Glance {
  readonly status: Session['status']
  readonly handle: string | undefined
  readonly subject: string | undefined
}

/** Runs a request. */
export async function serve(core: Core, sessions: Sessions<Data>, start: Start, request: Request): Promise<Ending> {
  const conflicts: string[] = []
  sessions.on('conflict', ({ key }) => conflicts.push(key))
  let loaded: Glance | undefined
  let session: Session<Data> | undefined
  const ending = (): Ending => ({
    ...(loaded && { loaded }),
    ...(session && { left: glance(session) }),
    ...(session && cookieChangeOf(session)),
    conflicts,
  })
  try {
    session = await sessions.load(start.cookies[request.cookie])
    loaded = glance(session)
    const said = await OPERATIONS[request.operation]({ sessions, session, seat: request.seat, start })
    return { said, ...ending() }
  } catch (error) {
    return { threw: error instanceof core.SessError ? error.code : String(error), ...ending() }
  }
}

function glance({ status, handle, subject }: Session<Data>): Glance {
  return { status, handle, subject }
}

import { beforeEach, describe, expect, test } from 'vitest'
import { createSessions, type Outcome, type Session, type Sessions } from './index.ts'
import { bindingOf } from './binding.ts'
import { heldStore, type HeldStore } from '../test/held-store.ts'

interface Data {
  cart: string
  more: string
}
type Given = Session<Partial<Data>>

let store: HeldStore
let sessions: Sessions<Partial<Data>>
let now: number

beforeEach(() => {
  now = 1_800_000_000_000
  store = heldStore()
  sessions = createSessions<Data>({ store, clock: () => now })
})

/** A stored session with a cart, of nobody or of somebody, and its cookie value. */
async function stored(subject?: string): Promise<string> {
  const session = await sessions.load(undefined)
  session.data.cart = 'book'
  const { cookieValue } = subject === undefined ? await session.commit() : await session.login(subject)
  return cookieValue!
}

async function rotated(subject?: string, keepOldFor?: '10s'): Promise<Given> {
  const old = await stored(subject)
  await (await sessions.load(old)).regenerate(keepOldFor && { keepOldFor })
  return sessions.load(old)
}

async function markerOf(from: string | undefined, to: string): Promise<Given> {
  const old = await stored(from)
  await (await sessions.load(old)).login(to)
  return sessions.load(old)
}

async function gone(subject?: string): Promise<Given> {
  const session = await sessions.load(await stored(subject))
  await sessions.revoke(session.handle!, { anySubject: true })
  session.data.more = 'x'
  expect(await session.commit()).toEqual({ status: 'gone' })
  return session
}

async function destroyed(): Promise<Given> {
  const session = await sessions.load(await stored())
  await session.destroy()
  return session
}

/** The columns of the table. */
const GIVEN = {
  new: () => sessions.load(undefined),
  active: async () => sessions.load(await stored()),
  "ann's": async () => sessions.load(await stored('ann')),
  kept: () => rotated(undefined, '10s'),
  "ann's kept": () => rotated('ann', '10s'),
  superseded: () => rotated(),
  "ann's superseded": () => rotated('ann'),
  marker: () => markerOf(undefined, 'ann'),
  "ann's marker": () => markerOf('ann', 'bob'),
  gone: () => gone(),
  "ann's gone": () => gone('ann'),
  destroyed,
} satisfies Record<string, () => Promise<Given>>

/** The rows of the table. */
const OPERATIONS = {
  'commit with changes': (session: Given) => {
    if (session.status !== 'destroyed') session.data.more = 'pen'
    return session.commit()
  },
  update: (session: Given) => session.update((data) => void (data.more = 'pen')),
  commit: (session: Given) => session.commit(),
  regenerate: (session: Given) => session.regenerate(),
  'login ann': (session: Given) => session.login('ann'),
  logout: (session: Given) => session.logout(),
  destroy: (session: Given) => session.destroy(),
} satisfies Record<string, (session: Given) => Promise<Outcome | void>>

/** The calls into the store, the status, the cookie (a session that was destroyed removed its own), the data after. */
type Cell = readonly [
  calls: string,
  status: Outcome['status'] | '',
  cookie: 'set' | 'remove' | 'none',
  data?: Data | Partial<Data>,
]

const nothing = ['', '', 'none'] as const
const BOOK = { cart: 'book' }
const BOTH = { cart: 'book', more: 'pen' }

const TABLE: Record<keyof typeof OPERATIONS, Record<keyof typeof GIVEN, Cell>> = {
  'commit with changes': {
    new: ['create', 'created', 'set', { more: 'pen' }],
    active: ['replace', 'saved', 'none', BOTH],
    "ann's": ['replace', 'saved', 'none', BOTH],
    kept: ['replace', 'saved', 'none', BOTH],
    "ann's kept": ['replace', 'saved', 'none', BOTH],
    superseded: ['', 'superseded', 'none'],
    "ann's superseded": ['', 'superseded', 'none'],
    marker: ['', 'superseded', 'none'],
    "ann's marker": ['', 'superseded', 'none'],
    gone: ['', 'gone', 'none'],
    "ann's gone": ['', 'gone', 'none'],
    destroyed: ['', 'gone', 'remove'],
  },
  update: {
    new: ['create', 'created', 'set', { more: 'pen' }],
    active: ['replace', 'saved', 'none', BOTH],
    "ann's": ['replace', 'saved', 'none', BOTH],
    kept: ['replace', 'saved', 'none', BOTH],
    "ann's kept": ['replace', 'saved', 'none', BOTH],
    superseded: ['', 'superseded', 'none'],
    "ann's superseded": ['', 'superseded', 'none'],
    marker: ['', 'superseded', 'none'],
    "ann's marker": ['', 'superseded', 'none'],
    gone: ['', 'gone', 'none'],
    "ann's gone": ['', 'gone', 'none'],
    destroyed: ['', 'gone', 'remove'],
  },
  commit: {
    new: ['', 'unchanged', 'none', {}],
    active: ['', 'unchanged', 'none', BOOK],
    "ann's": ['', 'unchanged', 'none', BOOK],
    kept: ['', 'unchanged', 'none', BOOK],
    "ann's kept": ['', 'unchanged', 'none', BOOK],
    superseded: ['', 'superseded', 'none', {}],
    "ann's superseded": ['', 'superseded', 'none', {}],
    marker: ['', 'superseded', 'none', {}],
    "ann's marker": ['', 'superseded', 'none', {}],
    gone: ['', 'gone', 'none'],
    "ann's gone": ['', 'gone', 'none'],
    destroyed: ['', 'gone', 'remove'],
  },
  regenerate: {
    new: ['', 'unchanged', 'none', {}],
    active: ['replace', 'saved', 'set', BOOK],
    "ann's": ['replace', 'saved', 'set', BOOK],
    kept: ['', 'unchanged', 'none', BOOK],
    "ann's kept": ['', 'unchanged', 'none', BOOK],
    superseded: ['', 'superseded', 'none', {}],
    "ann's superseded": ['', 'superseded', 'none', {}],
    marker: ['', 'superseded', 'none', {}],
    "ann's marker": ['', 'superseded', 'none', {}],
    gone: ['', 'gone', 'none'],
    "ann's gone": ['', 'gone', 'none'],
    destroyed: ['', 'gone', 'remove'],
  },
  'login ann': {
    new: ['create', 'created', 'set', {}],
    active: ['create replace', 'created', 'set', BOOK],
    "ann's": ['replace', 'saved', 'set', BOOK],
    kept: ['create', 'created', 'set', BOOK],
    "ann's kept": ['create', 'created', 'set', BOOK],
    superseded: ['create', 'created', 'set', {}],
    "ann's superseded": ['create', 'created', 'set', BOOK],
    marker: ['create', 'created', 'set', BOOK],
    "ann's marker": ['create', 'created', 'set', {}],
    gone: ['create', 'created', 'set', {}],
    "ann's gone": ['create', 'created', 'set', {}],
    destroyed: ['create', 'created', 'set', {}],
  },
  logout: {
    new: nothing,
    active: ['delete', '', 'remove', {}],
    "ann's": ['delete', '', 'remove', {}],
    kept: ['delete', '', 'none', {}],
    "ann's kept": ['delete', '', 'none', {}],
    superseded: ['delete', '', 'none', {}],
    "ann's superseded": ['delete', '', 'none', {}],
    marker: nothing,
    "ann's marker": nothing,
    gone: nothing,
    "ann's gone": nothing,
    destroyed: ['', '', 'remove'],
  },
  destroy: {
    new: nothing,
    active: ['delete', '', 'remove'],
    "ann's": ['delete', '', 'remove'],
    kept: ['delete', '', 'none'],
    "ann's kept": ['delete', '', 'none'],
    superseded: ['delete', '', 'none'],
    "ann's superseded": ['delete', '', 'none'],
    marker: nothing,
    "ann's marker": nothing,
    gone: nothing,
    "ann's gone": nothing,
    destroyed: ['', '', 'remove'],
  },
}

type Row = keyof typeof OPERATIONS
type Column = keyof typeof GIVEN

describe.each(Object.keys(OPERATIONS) as Row[])('%s', (row) => {
  test.each(Object.keys(GIVEN) as Column[])('of a session that is %s', async (column) => {
    const [calls, status, cookie, data] = TABLE[row][column]
    const session = await GIVEN[column]()
    const before = store.called()
    const outcome = await OPERATIONS[row](session)
    expect(store.calls.slice(before).map(({ step }) => step.method)).toEqual(calls ? calls.split(' ') : [])
    expect(outcome?.status ?? '').toBe(status)
    const { cookieChange } = bindingOf(session)
    expect(cookieChange?.action ?? 'none').toBe(cookie)
    expect(outcome?.cookieValue).toBe(cookieChange?.action === 'set' ? cookieChange.value : undefined)
    if (data) expect(session.data).toEqual(data)
  })
})

describe('login as another subject', () => {
  test.each(["ann's", "ann's kept", "ann's superseded", "ann's marker", "ann's gone"] as const)(
    'from a session that is %s takes no data along, not even changes of this request',
    async (column) => {
      const session = await GIVEN[column]()
      session.data.more = 'pen'
      expect(await session.login('bob')).toMatchObject({ status: 'created' })
      expect(session.data).toEqual({})
      const { cookieChange } = bindingOf(session)
      const loaded = await sessions.load(cookieChange?.action === 'set' ? cookieChange.value : undefined)
      expect([loaded.subject, loaded.data]).toEqual(['bob', {}])
    },
  )

  test('leaves a marker without data, which keeps its subject and is in no list', async () => {
    const old = await stored('ann')
    await (await sessions.load(old)).login('bob')
    expect(await Array.fromAsync(sessions.listSubject('ann'))).toEqual([])
    expect((await sessions.load(old)).status).toBe('superseded')
    now += 60_000
    expect((await sessions.load(old)).status).toBe('new')
  })
})

describe('a session object lives on', () => {
  test('after logout as a new, empty session, for a goodbye', async () => {
    const old = await stored('ann')
    const session = await sessions.load(old)
    const { data } = session
    await session.logout()
    expect([session.status, session.subject, session.data === data, data]).toEqual(['new', undefined, true, {}])
    session.flash('notice', 'Bye')
    const { status, cookieValue } = await session.commit()
    expect([status, bindingOf(session).cookieChange?.action]).toEqual(['created', 'set'])
    expect((await sessions.load(cookieValue)).flashed('notice')).toEqual(['Bye'])
    expect((await sessions.load(old)).status).toBe('new')
  })

  test('after logout under a kept secret as a superseded session: a flash is not saved', async () => {
    const session = await rotated('ann', '10s')
    await session.logout()
    session.flash('notice', 'Bye')
    expect([session.status, await session.commit()]).toEqual(['superseded', { status: 'superseded' }])
  })

  test('after destroy only for a login; every other operation throws, except logout and destroy', async () => {
    const session = await destroyed()
    const refused = expect.objectContaining({ code: 'session_destroyed' })
    expect(() => session.data).toThrow(refused)
    expect(() => session.flash('a', 'b')).toThrow(refused)
    expect(() => session.flashed('a')).toThrow(refused)
    expect(() => session.requireFresh('5m')).toThrow(refused)
    expect(await session.login('ann')).toMatchObject({ status: 'created' })
    expect([session.status, session.data]).toEqual(['active', {}])
  })

  test('as a destroyed session with its data, after a write that found the record gone', async () => {
    const session = await gone()
    expect([session.status, session.data]).toEqual(['destroyed', { cart: 'book', more: 'x' }])
  })
})

import assert from 'node:assert/strict'
import type { Outcome, Session, Sessions } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { Case } from '../../contract.ts'
import { clause, increment, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('rotation-login', 'sessions')

/** The states in which a request may get its session. A name with `ann's` is for a session of the subject `ann`. */
const GIVEN = {
  new: (all: Sessions) => all.load(undefined),
  active: async (all: Sessions) => all.load(await stored(all)),
  "ann's": async (all: Sessions) => all.load(await stored(all, { n: 0 }, 'ann')),
  kept: (all: Sessions) => rotated(all, undefined, '10s'),
  "ann's kept": (all: Sessions) => rotated(all, 'ann', '10s'),
  superseded: (all: Sessions) => rotated(all),
  "ann's superseded": (all: Sessions) => rotated(all, 'ann'),
  marker: (all: Sessions) => marker(all, undefined, 'ann'),
  "ann's marker": (all: Sessions) => marker(all, 'ann', 'bob'),
  gone: (all: Sessions) => gone(all),
  "ann's gone": (all: Sessions) => gone(all, 'ann'),
  destroyed: async (all: Sessions) => {
    const session = await all.load(await stored(all))
    await session.destroy()
    return session
  },
} satisfies Record<string, (all: Sessions) => Promise<Session>>

async function rotated(all: Sessions, subject?: string, keepOldFor?: '10s'): Promise<Session> {
  const old = await stored(all, { n: 0 }, subject)
  await (await all.load(old)).regenerate(keepOldFor && { keepOldFor })
  return all.load(old)
}

async function marker(all: Sessions, from: string | undefined, to: string): Promise<Session> {
  const old = await stored(all, { n: 0 }, from)
  await (await all.load(old)).login(to)
  return all.load(old)
}

async function gone(all: Sessions, subject?: string): Promise<Session> {
  const session = await all.load(await stored(all, { n: 0 }, subject))
  await all.revoke(session.handle!, { anySubject: true })
  session.data.m = 1
  assert.deepEqual(await session.commit(), { status: 'gone' })
  return session
}

/** The expected outcome of an operation: calls, status, cookie, and the subject and `n` that a later request sees; −1: no `n`. */
type Cell = readonly [calls: string, status: string, cookie: 'set' | 'remove' | 'none', after?: string]

const NOTHING: Cell = ['', '', 'none']
const GONE: Cell = ['', 'gone', 'none']
const SUPERSEDED: Cell = ['', 'superseded', 'none']
const DESTROYED: Cell = ['', 'gone', 'remove']

/** Makes a row of the table. The default cells are for states in which most operations do nothing. */
function row(cells: Partial<Record<keyof typeof GIVEN, Cell>>): Record<keyof typeof GIVEN, Cell> {
  return {
    new: NOTHING,
    active: NOTHING,
    "ann's": NOTHING,
    kept: NOTHING,
    "ann's kept": NOTHING,
    superseded: SUPERSEDED,
    "ann's superseded": SUPERSEDED,
    marker: SUPERSEDED,
    "ann's marker": SUPERSEDED,
    gone: GONE,
    "ann's gone": GONE,
    destroyed: DESTROYED,
    ...cells,
  }
}

/** Makes the same cell for an anonymous session and for a session of ann. */
function both(
  name: 'active' | 'kept' | 'superseded' | 'marker' | 'gone',
  cell: Cell,
): Partial<Record<keyof typeof GIVEN, Cell>> {
  const anns = {
    active: "ann's",
    kept: "ann's kept",
    superseded: "ann's superseded",
    marker: "ann's marker",
    gone: "ann's gone",
  }
  return { [name]: cell, [anns[name]]: cell }
}

const CREATED: Cell = ['create', 'created', 'set', 'ann -1']
const WROTE = { ...both('active', ['replace', 'saved', 'none']), ...both('kept', ['replace', 'saved', 'none']) }

const TABLE: readonly (readonly [
  what: string,
  text: string,
  act: (session: Session) => Promise<Outcome | void>,
  cells: Record<keyof typeof GIVEN, Cell>,
])[] = [
  [
    'commit-in-each-state',
    'A commit with changes creates, replaces, or says superseded or gone, as the state of its session asks.',
    (session) => {
      if (session.status !== 'destroyed') session.data.n = 1
      return session.commit()
    },
    row({ new: ['create', 'created', 'set'], ...WROTE }),
  ],
  [
    'update-in-each-state',
    'An update runs its function where there is something to change, and says superseded or gone elsewhere.',
    (session) => session.update(increment),
    row({ new: ['create', 'created', 'set'], ...WROTE }),
  ],
  [
    'idle-commit-in-each-state',
    'A commit without changes makes no call, and says unchanged, superseded or gone.',
    (session) => session.commit(),
    row({
      new: ['', 'unchanged', 'none'],
      ...both('active', ['', 'unchanged', 'none']),
      ...both('kept', ['', 'unchanged', 'none']),
    }),
  ],
  [
    'regenerate-in-each-state',
    'A regenerate replaces and sets a cookie under the valid secret, and does nothing under any other.',
    (session) => session.regenerate(),
    row({
      new: ['', 'unchanged', 'none'],
      ...both('active', ['replace', 'saved', 'set']),
      ...both('kept', ['', 'unchanged', 'none']),
    }),
  ],
  [
    'login-in-each-state',
    'A login ends signed in and with a cookie, whatever the state; data comes along from a session of the same subject, or from an anonymous session.',
    (session) => session.login('ann'),
    {
      new: CREATED,
      active: ['create replace', 'created', 'set', 'ann 0'],
      "ann's": ['replace', 'saved', 'set', 'ann 0'],
      kept: ['create', 'created', 'set', 'ann 0'],
      "ann's kept": ['create', 'created', 'set', 'ann 0'],
      superseded: CREATED,
      "ann's superseded": ['create', 'created', 'set', 'ann 0'],
      marker: ['create', 'created', 'set', 'ann 0'],
      "ann's marker": CREATED,
      gone: CREATED,
      "ann's gone": CREATED,
      destroyed: CREATED,
    },
  ],
  [
    'login-as-another-in-each-state',
    'A login as another subject makes a new session without data, whatever the state of the one that it came with.',
    (session) => session.login('bob'),
    {
      new: ['create', 'created', 'set', 'bob -1'],
      active: ['create replace', 'created', 'set', 'bob 0'],
      "ann's": ['create replace', 'created', 'set', 'bob -1'],
      kept: ['create', 'created', 'set', 'bob 0'],
      "ann's kept": ['create', 'created', 'set', 'bob -1'],
      superseded: ['create', 'created', 'set', 'bob -1'],
      "ann's superseded": ['create', 'created', 'set', 'bob -1'],
      marker: ['create', 'created', 'set', 'bob 0'],
      "ann's marker": ['create', 'created', 'set', 'bob -1'],
      gone: ['create', 'created', 'set', 'bob -1'],
      "ann's gone": ['create', 'created', 'set', 'bob -1'],
      destroyed: ['create', 'created', 'set', 'bob -1'],
    },
  ],
  ...(['logout', 'destroy'] as const).map(
    (name) =>
      [
        `${name}-in-each-state`,
        `A ${name} deletes under a secret that is or was valid, a marker apart; it removes the cookie under the valid one alone.`,
        (session: Session) => session[name](),
        row({
          ...both('active', ['delete', '', 'remove']),
          ...both('kept', ['delete', '', 'none']),
          ...both('superseded', ['delete', '', 'none']),
          ...both('marker', NOTHING),
          ...both('gone', NOTHING),
          destroyed: ['', '', 'remove'],
        }),
      ] as const,
  ),
]

/** Cases on the table of outcomes of the design, one for each operation. */
export const outcomes: readonly Case[] = TABLE.map(([what, text, act, cells]) =>
  sessions(what, text, async ({ sessions: open, store, now }) => {
    let calls: string[] = []
    const all = open(
      { now },
      watched(store, (method) => void calls.push(method)),
    )
    for (const [state, given] of Object.entries(GIVEN)) {
      const session = await given(all)
      calls = []
      const outcome = await act(session)
      const [expected, status, cookie, after] = cells[state as keyof typeof GIVEN]
      const { cookieChange } = bindingOf(session)
      const shown = [calls.join(' '), outcome?.status ?? '', cookieChange?.action ?? 'none']
      assert.deepEqual(shown, [expected, status, cookie], `of a session that is ${state}`)
      if (cookieChange?.action !== 'set') continue
      const later = await all.load(cookieChange.value)
      assert.equal(later.status, 'active')
      if (after !== undefined) assert.equal(`${later.subject} ${Number(later.data.n ?? -1)}`, after, `from ${state}`)
    }
  }),
)

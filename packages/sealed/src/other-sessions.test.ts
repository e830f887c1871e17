/** The table of "Sealed cookies and external IDs" in core’s README, row by row. */
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { memoryStore, type Sessions } from '@sess/core'
import { externalIdSessions, type ExternalIdOptions } from '@sess/core/external-ids'
import { describe, expect, test } from 'vitest'
import { createSealedSessions, type SealedOptions } from './index.ts'

const START = 1_800_000_000_000
let now = START

const sealedSessions = (options: Partial<SealedOptions> = {}): Sessions =>
  createSealedSessions({ keys: [KEY], clock: () => now, log: false, ...options })
const KEY = randomBytes(32)

const externalSessions = (options: Partial<ExternalIdOptions> = {}) =>
  externalIdSessions({
    store: memoryStore(),
    domain: 'test',
    lifeOf: () => ({}),
    clock: () => now,
    log: false,
    ...options,
  })

const code = (expected: string, names = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(names) })

async function cookieOf(sessions: Sessions): Promise<string> {
  const { cookieValue } = await (await sessions.load(undefined)).login('ann')
  return cookieValue!
}

const statusOf = async (sessions: Sessions, cookie: string) => (await sessions.load(cookie)).status

/** What each row says, as the words of its cells begin, and how it is seen. */
const ROWS: Readonly<Record<string, readonly [sealed: [string, () => unknown], external: [string, () => unknown]]>> = {
  '`signal`': [
    [
      'refused: `unsupported`',
      async () => {
        const sessions = sealedSessions()
        const session = await sessions.load(await cookieOf(sessions))
        expect(() => sessions.signal(session)).toThrow(code('unsupported'))
      },
    ],
    ['does not exist', () => expect(externalSessions()).not.toHaveProperty('signal')],
  ],
  '`notBefore`': [
    [
      'works',
      async () => {
        now = START
        const cookie = await cookieOf(sealedSessions())
        now += 60_000
        const later = sealedSessions({ notBefore: START + 1 })
        expect(await statusOf(later, cookie)).toBe('new')
        expect(await statusOf(later, await cookieOf(later))).toBe('active')
        expect(await statusOf(sealedSessions({ notBefore: START }), cookie)).toBe('active')
      },
    ],
    [
      'refused as an option',
      () => expect(() => externalSessions({ notBefore: START } as object)).toThrow(code('invalid_option', 'notBefore')),
    ],
  ],
  '`maxPerSubject`': [
    [
      'refused as an option',
      () =>
        expect(() => sealedSessions({ maxPerSubject: 5 } as object)).toThrow(code('invalid_option', 'maxPerSubject')),
    ],
    [
      'refused as an option',
      () =>
        expect(() => externalSessions({ maxPerSubject: 5 } as object)).toThrow(code('invalid_option', 'maxPerSubject')),
    ],
  ],
  '`anonymous`': [
    [
      'works',
      async () => {
        now = START
        const sessions = sealedSessions({ anonymous: { idleTimeout: '1m', absoluteTimeout: '2m' } })
        const session = await sessions.load(undefined)
        session.data['theme'] = 'dark'
        const { cookieValue } = await session.commit()
        const signedIn = await cookieOf(sessions)
        now += 60_000
        expect([await statusOf(sessions, cookieValue!), await statusOf(sessions, signedIn)]).toEqual(['new', 'active'])
      },
    ],
    [
      'refused as an option',
      () =>
        expect(() => externalSessions({ anonymous: { idleTimeout: '1m' } } as object)).toThrow(
          code('invalid_option', 'anonymous'),
        ),
    ],
  ],
  '`idleTimeout`, `absoluteTimeout`': [
    [
      'work',
      async () => {
        now = START
        const sessions = sealedSessions({ idleTimeout: '10m', absoluteTimeout: '15m', touchAfter: 0 })
        let cookie = await cookieOf(sessions)
        const idle = cookie
        now += 9 * 60_000
        const session = await sessions.load(cookie)
        void session.data
        cookie = (await session.commit()).cookieValue!
        now += 60_000
        expect([await statusOf(sessions, idle), await statusOf(sessions, cookie)]).toEqual(['new', 'active'])
        now = START + 15 * 60_000
        expect(await statusOf(sessions, cookie)).toBe('new')
      },
    ],
    [
      'work, where `lifeOf` does not say',
      async () => {
        const live = async (options: Partial<ExternalIdOptions>, after: number) => {
          now = START
          const sessions = externalSessions(options)
          await sessions.start('id').save({ n: 1 })
          now += after
          return (await sessions.load('id')) !== undefined
        }
        const short = { idleTimeout: '10m', absoluteTimeout: '1h' } as const
        expect([await live(short, 599_000), await live(short, 600_000)]).toEqual([true, false])
        const own = { ...short, lifeOf: () => ({ idleTimeout: 1_200_000 }) }
        expect([await live(own, 600_000), await live(own, 1_200_000)]).toEqual([true, false])
        const endless = { absoluteTimeout: '1h', lifeOf: () => ({ idleTimeout: 0 }) } as const
        expect([await live(endless, 3_599_000), await live(endless, 3_600_000)]).toEqual([true, false])
      },
    ],
  ],
}

/** The cells of the table in the README, by the name of the row. */
const table = new Map(
  readFileSync(new URL('../../core/README.md', import.meta.url), 'utf8')
    .split(/^\| +\| \[sealed cookies\].*\n/m)[1]!
    .split('\n\n', 1)[0]!
    .split('\n')
    .slice(1)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => [name, cells.slice(0, 2)] as const),
)

test('the README’s table has the rows that are tested here, and no others', () => {
  expect([...table.keys()].toSorted()).toEqual(Object.keys(ROWS).toSorted())
})

describe.each(Object.entries(ROWS))('%s', (name, [sealed, external]) => {
  test.each([
    ['sealed cookies', 0, ...sealed],
    ['external IDs', 1, ...external],
  ] as const)('with %s', async (_kind, at, words, see) => {
    expect(table.get(name)![at]).toMatch(new RegExp(`^${words}`))
    await see()
  })
})

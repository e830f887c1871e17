import { beforeEach, expect, test } from 'vitest'
import { heldStore, type HeldStore } from '../test/held-store.ts'
import { bindingOf } from './binding.ts'
import { createSessions, type DataSchema, type Session, type Sessions } from './index.ts'

interface Data {
  theme?: string
  n?: number
}

let store: HeldStore
let errors: string[]

const clock = (): number => 1_800_000_000_000

function themes(...known: string[]): DataSchema<Data> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const { theme, n } = value as Data
        if (theme !== undefined && !known.includes(theme)) return { issues: [{ message: 'unknown', path: ['theme'] }] }
        return { value: { ...(theme !== undefined && { theme }), ...(n !== undefined && { n }) } }
      },
    },
  }
}

const before = () => createSessions({ store, clock, schema: themes('dark', 'blue') })

/** The app after a deploy that no longer knows the theme. */
function after(): Sessions<Data> {
  const sessions = createSessions({ store, clock, schema: themes('dark') })
  sessions.on('error', ({ code, operation }) => errors.push(`${code} at ${operation}`))
  return sessions
}

/** The app after a deploy whose `migrate` throws, having changed what it was given; or returns something. */
function migrating(returned?: Record<string, unknown>): Sessions<Data> {
  const sessions = createSessions<Data>({
    store,
    clock,
    schemaVersion: 1,
    migrate(data) {
      delete data['theme']
      if (returned) return returned
      throw new Error('what is this?')
    },
  })
  sessions.on('error', ({ code, operation }) => errors.push(`${code} at ${operation}`))
  return sessions
}

async function stored(subject?: string): Promise<string> {
  const session = await before().load(undefined)
  session.data = { theme: 'blue', hidden: 1 } as Data
  session.data.theme = 'blue'
  const outcome = subject === undefined ? await session.commit() : await session.login(subject)
  return outcome.cookieValue!
}

const INVALID = { code: 'invalid_data' }

beforeEach(() => {
  store = heldStore()
  errors = []
})

/** More levels than any session may have. */
const deep = JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) as Record<string, unknown>
const circular: Record<string, unknown> = { children: [{}, {}] }
for (const child of circular['children'] as Record<string, unknown>[]) child['parent'] = circular

for (const [name, open] of [
  ['a schema that it does not fit', after],
  ['a migration that throws', () => migrating()],
  ['a migration that nests without measure', () => migrating(deep)],
  ['a migration that makes a circle', () => migrating(circular)],
] as const) {
  test(`data that does not fit ${name} throws only when it is read or updated, and is reported`, async () => {
    const session = await open().load(await stored('ann'))
    expect([session.status, session.subject, errors]).toEqual(['active', 'ann', ['invalid_data at load']])
    expect(() => session.data).toThrow(expect.objectContaining(INVALID))
    await expect(session.update((data) => void (data.n = 1))).rejects.toMatchObject(INVALID)
    session.requireFresh('5m')
    expect(bindingOf(session).needsCommit).toBe(false)
    expect(await session.commit()).toEqual({ status: 'unchanged' })
    session.flash('notice', 'hello')
    expect((await session.commit()).status).toBe('saved')
    expect((await session.regenerate()).status).toBe('saved')
    const { cookieValue, status } = await session.login('ann')
    expect([status, session.flashed('notice')]).toEqual(['saved', ['hello']])
    // Nothing of it was lost or changed, and the deploy can be taken back.
    expect((await before().load(cookieValue)).data).toEqual({ theme: 'blue' })
    await session.logout()
    session.data.n = 1
    expect((await session.commit()).status).toBe('created')
  })

  test(`an assignment replaces data that does not fit ${name}, and all its stored keys`, async () => {
    const cookieValue = await stored('ann')
    const session = await open().load(cookieValue)
    session.data = { n: 1 }
    expect([session.data, bindingOf(session).needsCommit]).toEqual([{ n: 1 }, true])
    expect((await session.commit()).status).toBe('saved')
    expect((await open().load(cookieValue)).data).toEqual({ n: 1 })
    const other = createSessions<Data>({ store, clock, schemaVersion: 1 })
    expect((await other.load(cookieValue)).data).toEqual({ n: 1 })
  })

  test(`a login from an anonymous session whose data does not fit ${name} starts without data and reports it`, async () => {
    const session = await open().load(await stored())
    session.flash('notice', 'hello')
    const { status, cookieValue } = await session.login('ann')
    expect([status, session.data, errors]).toEqual(['created', {}, ['invalid_data at load', 'invalid_data at login']])
    const next = await open().load(cookieValue)
    expect([next.data, next.flashed('notice')]).toEqual([{}, ['hello']])
  })
}

test('assigning an empty object is a change if there are keys to delete', async () => {
  const cookieValue = await stored()
  const session = await after().load(cookieValue)
  session.data = {}
  expect([bindingOf(session).needsCommit, (await session.commit()).status]).toEqual([true, 'saved'])
  expect([session.data, bindingOf(session).needsCommit]).toEqual([{}, false])
  const plain = createSessions({ store, clock })
  expect((await plain.load(cookieValue)).data).toEqual({})
})

test('an assignment keeps keys that another request adds meanwhile', async () => {
  const plain = createSessions({ store, clock })
  const cookieValue = await stored()
  const session: Session<Data> = await after().load(cookieValue)
  const other = await plain.load(cookieValue)
  other.data['added'] = 1
  await other.commit()
  session.data = { theme: 'dark' }
  await session.commit()
  expect((await plain.load(cookieValue)).data).toEqual({ theme: 'dark', added: 1 })
})

test('assigned data that does not fit the schema is refused, and nothing is written', async () => {
  const cookieValue = await stored()
  const session = await after().load(cookieValue)
  session.data = { theme: 'green' }
  await expect(session.commit()).rejects.toMatchObject(INVALID)
  expect((await before().load(cookieValue)).data).toEqual({ theme: 'blue' })
})

test('a commit that was written does not fail because of data that another deploy wrote into the session', async () => {
  const first = await before().load(undefined)
  first.data.theme = 'dark'
  const { cookieValue } = await first.commit()
  const [session, unread] = [await after().load(cookieValue), await after().load(cookieValue)]
  session.data.n = 1
  const other = await before().load(cookieValue)
  other.data.theme = 'blue'
  await other.commit()
  expect(await session.commit()).toEqual({ status: 'saved' })
  expect([session.data, errors]).toEqual([{ theme: 'dark', n: 1 }, ['invalid_data at commit']])
  unread.flash('notice', 1)
  expect(await unread.commit()).toEqual({ status: 'saved' })
  expect(() => unread.data).toThrow(expect.objectContaining(INVALID))
  expect((await before().load(cookieValue)).data).toEqual({ theme: 'blue', n: 1 })
})

test('a schema that throws counts as a refusal', async () => {
  const cookieValue = await stored('ann')
  const broken: DataSchema<Data> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        if ((value as Data).theme) throw new TypeError('a bug')
        return { value: value as Data }
      },
    },
  }
  const session = await createSessions({ store, clock, schema: broken }).load(cookieValue)
  expect(() => session.data).toThrow(expect.objectContaining({ ...INVALID, cause: new TypeError('a bug') }))
  await session.logout()
  expect((await before().load(cookieValue)).status).toBe('new')
})

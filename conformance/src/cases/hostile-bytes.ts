import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { SessionKey, SessionRecord, SessionsOptions } from '@sess/core'
import type { Case, CaseContext } from '../contract.ts'
import { clause, keyOf, seen, stored } from './case.ts'
import { body, envelope, forge, parsed, UNSEALED } from './forge.ts'

const sessions = clause('hostile-bytes', 'sessions')

/** More bytes than any payload here has: each of them is damaged in its turn. */
const SMALL = 4096

/** A session's cookie value, its key, and its record. */
export async function valid(
  { sessions: open, store, now }: CaseContext,
  options: Partial<SessionsOptions> = {},
): Promise<{ readonly cookieValue: string; readonly key: SessionKey; readonly record: SessionRecord }> {
  const cookieValue = await stored(open({ now }, store, options), { list: [1, 'two', { three: null }] }, 'ann')
  const key = keyOf(cookieValue)
  return { cookieValue, key, record: (await store.read(key, now))! }
}

/** Puts each payload in a record's place, and expects a new session, an event that says why, and no error. */
export async function rejectAll(
  context: CaseContext,
  make: (payload: Uint8Array) => Iterable<Uint8Array>,
  options: Partial<SessionsOptions> = {},
): Promise<void> {
  const { store, now } = context
  const { cookieValue, key, record } = await valid(context, options)
  const all = context.sessions({ now }, store, options)
  const reasons: string[] = []
  all.on('rejected', ({ reason }) => reasons.push(reason))
  assert.ok(record.payload.length < SMALL, `a session of a few words takes ${record.payload.length} bytes`)
  let last = record
  for (const payload of make(record.payload)) {
    const next = { ...last, revision: last.revision + 1, payload }
    assert.equal(await store.replace(key, next, last, now), 'replaced')
    last = next
    const session = await all.load(cookieValue)
    assert.deepEqual([session.status, session.subject, { ...session.data }], ['new', undefined, {}])
    assert.deepEqual(reasons.splice(0), ['undecodable'])
  }
  assert.equal((await store.read(key, now, true))!.revision, last.revision, 'a load has written')
}

/** What lies in the store may come from anybody. */
export const hostileBytes: readonly Case[] = [
  sessions('truncated', 'Every truncation of a valid payload is reported and gives a new session.', (context) =>
    rejectAll(context, (payload) => Array.from(payload, (_, i) => payload.slice(0, i))),
  ),
  sessions('flipped', 'A flipped bit anywhere in a payload is reported and gives a new session.', (context) =>
    rejectAll(context, (payload) =>
      Array.from(payload, (_, i) => Uint8Array.from(payload, (byte, at) => (at === i ? byte ^ (1 << (i % 8)) : byte))),
    ),
  ),
  sessions('random', 'Random bytes are reported and give a new session, in a frame too.', (context) =>
    rejectAll(context, () =>
      Array.from({ length: 50 }, (_, i) => {
        const bytes = new Uint8Array(randomBytes(i * 11))
        return i % 2 ? forge(bytes) : bytes
      }),
    ),
  ),
  sessions(
    'length-bombs',
    'A length that promises more bytes than there are, or less, is reported and gives a new session.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const { values, data } = parsed(payload)
          const length = JSON.stringify(values).length
          return [0, 1, length - 1, length + data.length + 1, 2 ** 31, 2 ** 32 - 1].map((wrong) =>
            forge(envelope(values, data, wrong)),
          )
        },
        UNSEALED,
      ),
  ),
  sessions(
    'nested-bombs',
    'Data nested a hundred thousand levels deep, in the payload of whoever wrote it, is reported and gives a new session.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const { values } = parsed(payload)
          return ['[', '{"a":'].map((open) => {
            const close = open === '[' ? ']' : '}'
            const deep = `{"a":${open.repeat(100_000)}1${close.repeat(100_000)}}`
            return forge(envelope(values, Buffer.from(deep)))
          })
        },
        UNSEALED,
      ),
    ({ store: { traits } }) =>
      traits.maxPayloadBytes >= 800_000 ? undefined : `the store takes ${traits.maxPayloadBytes} bytes alone`,
  ),
  sessions(
    'wrong-types',
    'A sound frame around an envelope of wrong types is reported and gives a new session, field by field.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const { values, data } = parsed(payload)
          const wrong = values.map((value, i) => {
            const other = typeof value === 'object' ? 7 : typeof value === 'string' ? 7 : 'seven'
            return forge(envelope(values.with(i, other), data))
          })
          const shapes = [null, {}, [], 'text', values.slice(0, 5)].map((shape) => forge(envelope(shape, data)))
          const contents = ['[]', '"text"', '1', 'null', '{', ''].map((text) =>
            forge(envelope(values, Buffer.from(text))),
          )
          const many = Array.from({ length: 1000 }, () => ['digest', 1, 1])
          return [...wrong, ...shapes, ...contents, forge(envelope(values.with(7, many), data))]
        },
        UNSEALED,
      ),
  ),
  sessions('inert-envelope', 'An envelope that names __proto__ and constructor pollutes nothing.', async (context) => {
    const { store, now } = context
    const { cookieValue, key, record } = await valid(context, UNSEALED)
    const { values } = parsed(record.payload)
    const evil = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object
    const payload = forge(envelope(values, Buffer.from(JSON.stringify(evil))))
    await store.replace(key, { ...record, revision: 2, payload }, record, now)
    const all = context.sessions({ now }, store, UNSEALED)
    const session = await all.load(cookieValue)
    session.data.more = 1
    await session.commit().catch(() => undefined)
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    assert.equal(Object.getPrototypeOf(session.data), Object.prototype)
  }),
  sessions(
    'moved',
    'A payload moved to another record opens for nobody but its own secret’s holder, and never crosses subjects.',
    async (context) => {
      const { sessions: open, store, now } = context
      const { cookieValue, key, record } = await valid(context)
      const [also, bob] = [await stored(open(), {}, 'ann'), await stored(open(), { of: 'bob' }, 'bob')]
      for (const [from, subject] of [
        [also, 'ann'],
        [bob, 'ann'],
        [bob, 'bob'],
        [cookieValue, 'bob'],
      ] as const) {
        const { payload } = from === cookieValue ? record : (await store.read(keyOf(from), now))!
        // A replace leaves the subject as it is.
        await store.delete(key, now)
        await store.create(key, { ...record, subject, payload }, now)
        assert.equal((await open().load(cookieValue)).status, 'new')
      }
      assert.deepEqual(await seen(open(), bob), ['active', 'bob', { of: 'bob' }])
    },
  ),
  sessions(
    'one-bad-in-a-list',
    'A record of damaged bytes is reported and left out of a list that has others.',
    async (context) => {
      const { sessions: open, store, now } = context
      const { key, record, cookieValue } = await valid(context)
      const other = await stored(open(), {}, 'ann')
      const payload = forge(body(record.payload).subarray(3))
      await store.replace(key, { ...record, revision: 2, payload }, record, now)
      const all = open()
      const reasons: string[] = []
      all.on('rejected', ({ reason, handle }) => reasons.push(`${reason} ${handle}`))
      const handles: string[] = []
      for await (const { handle } of all.listSubject('ann')) handles.push(handle)
      assert.deepEqual([handles, reasons], [[other.slice(0, 28)], [`undecodable ${cookieValue.slice(0, 28)}`]])
    },
    ({ store: { list } }) => (list ? undefined : 'the store has no list()'),
  ),
]

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { SessionKey, ExpectedRecord, SessionsOptions, SessionRecord } from '@sess/core'
import { asExpected } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { changedOnTheWay, clause, keyOf, seen, stored, textOf } from '../../case-parts/case.ts'
import { body, envelope, forge, parsed, UNSEALED, written } from '../../case-parts/forge.ts'

const sessions = clause('hostile-bytes', 'sessions')

/** More bytes than a payload of these cases has, so that each byte of the payload is damaged once. */
const SMALL = 4096

/** Stores a session. @returns Its cookie value, its key, and its record. */
export async function valid(
  { sessions: open, store, now }: CaseContext,
  options: Partial<SessionsOptions> = {},
): Promise<{ readonly cookieValue: string; readonly key: SessionKey; readonly record: ExpectedRecord }> {
  const cookieValue = await stored(open({ now }, store, options), { list: [1, 'two', { three: null }] }, 'ann')
  const key = keyOf(cookieValue)
  return { cookieValue, key, record: (await store.read(key, now))! }
}

/** By the index of the field in an envelope, JSON of values of the right type that are out of range. */
const OUT_OF_RANGE: Readonly<Record<number, readonly string[]>> = {
  ...Object.fromEntries([2, 3, 4, 5].map((time) => [time, ['-1', '1e999', '-1e999', '8640000000000002', '1e300']])),
  6: ['é'.repeat(43), ...[42, 44, 100_000].map((length) => 'a'.repeat(length))].map((digest) => JSON.stringify(digest)),
  7: [
    [['a'.repeat(42), 1, 2]],
    [['é'.repeat(43), 1, 2]],
    [['a'.repeat(43), -1, 2]],
    [['a'.repeat(43), 1, 1e300]],
    [['a'.repeat(43)]],
    [[]],
    [Array.from({ length: 40 }, () => 'a'.repeat(43))],
  ].map((earlier) => JSON.stringify(earlier)),
  8: [1, 11, 13, 12 * 9, 120_000].map((length) => JSON.stringify('a'.repeat(length))),
  9: ['""', JSON.stringify('s'.repeat(33))],
  10: ['-1', '0.5', '1e999', '9007199254740993'],
  11: [JSON.stringify('l'.repeat(257))],
  12: [
    Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`hint${i}`, ''])),
    { hint: 'h'.repeat(257) },
    { ['h'.repeat(257)]: '' },
  ].map((client) => JSON.stringify(client)),
  13: ['[', '{"a":'].map((open) => `{"a":[${open.repeat(1000)}1${(open === '[' ? ']' : '}').repeat(1000)}]}`),
}

/** Heads that a record never has. Each comes from damage or from an attacker. */
const HEADS: readonly Partial<SessionRecord>[] = [
  ...[2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 1e300, Infinity, NaN, -1, 0, 0.5].map((revision) => ({ revision })),
  ...[Infinity, NaN, 1e300, 8.64e15 + 2].map((expiresAt) => ({ expiresAt })),
  { subject: '' },
  { subject: 'a'.repeat(1025) },
]

/** Stores each payload in place of a record, and expects a new session, a `rejected` event with a reason, and no error. */
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
    assert.equal(await store.replace(key, last, next, now), 'replaced')
    last = asExpected(next)
    const session = await all.load(cookieValue)
    assert.deepEqual([session.status, session.subject, { ...session.data }], ['new', undefined, {}])
    assert.deepEqual(reasons.splice(0), ['undecodable'])
  }
  assert.equal((await store.read(key, now, { fresh: true }))!.revision, last.revision, 'a load has written')
}

/** Cases on hostile bytes: anybody may have written the bytes in the store. */
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
    'Data and messages that are nested a hundred thousand levels deep are reported, and give a new session.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const { values, data } = parsed(payload)
          return ['[', '{"a":'].flatMap((open) => {
            const close = open === '[' ? ']' : '}'
            const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`
            const deep = nested(100_000)
            const flash = JSON.stringify(values.with(13, { a: ['@'] })).replace('"@"', () => deep)
            return [
              ...[deep, nested(64)].map((text) => forge(envelope(values, Buffer.from(`{"a":${text}}`)))),
              forge(written(flash, data)),
            ]
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
          const many = Array.from({ length: 1000 }, () => ['a'.repeat(43), 1, 1])
          const lists = [values.with(7, many), [...values, 1], Object.assign({}, values)]
          return [...wrong, ...shapes, ...contents, ...lists.map((list) => forge(envelope(list, data)))]
        },
        UNSEALED,
      ),
  ),
  sessions(
    'out-of-range',
    'A number out of its range, a digest of other characters, a list, a text or a depth past its limit: under a right checksum each is reported and gives a new session.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const { values, data } = parsed(payload)
          return Object.entries(OUT_OF_RANGE).flatMap(([field, wrong]) =>
            wrong.map((json) =>
              forge(
                written(
                  JSON.stringify(values.with(Number(field), '@')).replace('"@"', () => json),
                  data,
                ),
              ),
            ),
          )
        },
        UNSEALED,
      ),
    ({ store: { traits } }) =>
      traits.maxPayloadBytes >= 200_000 ? undefined : `the store takes ${traits.maxPayloadBytes} bytes alone`,
  ),
  sessions(
    'heads',
    'A record whose revision, expiry or subject core would never write is reported: as a new session, and left out of a list. Its subject is signed out all the same.',
    async (context) => {
      const { store, now } = context
      for (const head of HEADS) {
        const { cookieValue, key, record } = await valid(context)
        const all = context.sessions(
          { now },
          changedOnTheWay(store, (found) => ({ ...found, ...head })),
        )
        const reasons: string[] = []
        all.on('rejected', ({ reason }) => reasons.push(reason))
        const session = await all.load(cookieValue)
        assert.deepEqual([session.status, session.subject, { ...session.data }], ['new', undefined, {}])
        assert.deepEqual(reasons.splice(0), ['undecodable'])
        if (store.list) {
          for await (const { handle } of all.listSubject('ann')) assert.fail(`${handle} is in the list`)
          assert.deepEqual(reasons.splice(0), ['undecodable'])
        }
        assert.deepEqual(textOf(await store.read(key, now, { fresh: true })), textOf(record), 'a load has written')
        if (store.deleteSubject) await all.revokeSubject('ann')
        else await all.revoke(cookieValue.slice(0, 28), { anySubject: true })
        assert.equal(await store.read(key, now, { fresh: true }), undefined)
      }
    },
  ),
  sessions('inert-envelope', 'An envelope that names __proto__ and constructor pollutes nothing.', async (context) => {
    const { store, now } = context
    const { cookieValue, key, record } = await valid(context, UNSEALED)
    const { values } = parsed(record.payload)
    const evil = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object
    const payload = forge(envelope(values, Buffer.from(JSON.stringify(evil))))
    await store.replace(key, record, { ...record, revision: 2, payload }, now)
    const all = context.sessions({ now }, store, UNSEALED)
    const session = await all.load(cookieValue)
    session.data.more = 1
    await session.commit().catch(() => undefined)
    assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    assert.equal(Object.getPrototypeOf(session.data), Object.prototype)
  }),
  sessions(
    'moved',
    'A payload that was moved to another record opens only for the holder of its own secret, and never under another subject.',
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
        // A replace cannot change the subject, so the record is deleted and created again.
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
      await store.replace(key, record, { ...record, revision: 2, payload }, now)
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

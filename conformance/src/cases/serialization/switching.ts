import assert from 'node:assert/strict'
import { jsonSerializer, type Serializer, type SessionsOptions } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import { body, forge, parsed, UNSEALED } from '../../case-parts/forge.ts'
import { aesGcm } from '../../case-parts/seal.ts'
import { clause, keyOf, seen, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('serialization', 'sessions')

/** JSON in reverse order of its bytes: another format with its own name. */
const backwards: Serializer = {
  name: 'backwards',
  serialize: (value) => jsonSerializer.serialize(value).toReversed(),
  deserialize: (bytes) => jsonSerializer.deserialize(Uint8Array.from(bytes).toReversed()),
}

/** Expects that two loads reject, and that the record is unchanged. */
async function rejectsAndKeeps(
  { sessions: open, store, now }: CaseContext,
  cookie: string,
  options: Partial<SessionsOptions>,
): Promise<void> {
  const before = await store.read(keyOf(cookie), now, { fresh: true })
  for (let i = 0; i < 2; i++)
    await assert.rejects(open({ now }, store, options).load(cookie), { code: 'configuration' })
  assert.deepEqual(await store.read(keyOf(cookie), now, { fresh: true }), before)
}

/** Cases on a format that is switched, migrated, or unknown to a server. */
export const switching: readonly Case[] = [
  sessions(
    'serializer-switched',
    'With a new serializer, sessions of the old serializer are read, and written by the new one, and no user is logged out.',
    async (context) => {
      const { sessions: open, store, now } = context
      const cookie = await stored(open({ now }, store, UNSEALED))
      const next = open({ now }, store, { ...UNSEALED, serializer: [backwards, jsonSerializer] })
      const session = await next.load(cookie)
      assert.deepEqual({ ...session.data }, { n: 0 })
      session.data.n = 1
      assert.deepEqual(await session.commit(), { status: 'saved' })
      assert.deepEqual(await seen(next, cookie), ['active', undefined, { n: 1 }])
      assert.equal(parsed((await store.read(keyOf(cookie), now))!.payload).serializer, 'backwards')
    },
  ),
  sessions(
    'unknown-serializer',
    'A session of a serializer that this server was not given rejects the load, and is left as it is.',
    async (context) => {
      const { sessions: open, store, now } = context
      const cookie = await stored(open({ now }, store, { serializer: backwards }))
      await rejectsAndKeeps(context, cookie, {})
      assert.equal((await open({ now }, store, { serializer: backwards }).load(cookie)).status, 'active')
    },
  ),
  sessions(
    'schema-migrated',
    'Data of an older schema is migrated at the read, and only the next commit writes it in the new schema.',
    async ({ sessions: open, store, now }) => {
      const cookie = await stored(open())
      const from: number[] = []
      const next = open({ now }, store, {
        schemaVersion: 2,
        migrate: ({ n, ...rest }, version) => (from.push(version), { ...rest, count: n }),
      })
      assert.deepEqual((await seen(next, cookie))[2], { count: 0 })
      assert.equal((await store.read(keyOf(cookie), now, { fresh: true }))!.revision, 1)
      const session = await next.load(cookie)
      session.data.count = 1
      await session.commit()
      assert.deepEqual([(await seen(next, cookie))[2], from], [{ count: 1 }, [0, 0]])
    },
  ),
  sessions(
    'outgrown-data',
    'Data that migrate throws at stays as it is: the session signs in again, rotates and ends; an assignment of all data replaces it.',
    async ({ sessions: open, store, now }) => {
      const cookie = await stored(open(), { n: 0, old: true }, 'ann')
      const next = open({ now }, store, {
        schemaVersion: 2,
        migrate() {
          throw new Error('what is this?')
        },
      })
      const session = await next.load(cookie)
      assert.equal(session.subject, 'ann')
      assert.throws(() => session.data, { code: 'invalid_data' })
      session.flash('notice', 'hello')
      await session.commit()
      await session.regenerate()
      const { cookieValue } = await session.login('ann')
      assert.deepEqual((await seen(open(), cookieValue))[2], { n: 0, old: true })
      const again = await next.load(cookieValue)
      again.data = { n: 1 }
      await again.commit()
      assert.deepEqual((await seen(next, cookieValue))[2], { n: 1 })
      await again.logout()
      assert.equal((await next.load(cookieValue)).status, 'new')
    },
  ),
  sessions('newer-schema', 'A session of a newer schema rejects the load, and is left as it is.', async (context) => {
    const { sessions: open, store, now } = context
    const cookie = await stored(open({ now }, store, { schemaVersion: 3 }))
    await rejectsAndKeeps(context, cookie, { schemaVersion: 2 })
  }),
  sessions('newer-format', 'A session of a newer format rejects the load, and is left as it is.', async (context) => {
    const { sessions: open, store, now } = context
    const cookie = await stored(open())
    const first = (await store.read(keyOf(cookie), now))!
    const payload = forge(body(first.payload), { version: 2, subject: '' })
    await store.replace(keyOf(cookie), first, { ...first, revision: 2, payload }, now)
    await rejectsAndKeeps(context, cookie, {})
  }),
  sessions(
    'unknown-key',
    'A sealed session whose key this server was not given rejects the load, and is left as it is.',
    async (context) => {
      const { sessions: open, store, now } = context
      const cookie = await stored(open({ now }, store, { seal: aesGcm('old') }))
      await rejectsAndKeeps(context, cookie, { seal: aesGcm('new') })
      await rejectsAndKeeps(context, cookie, {})
      const both = { seal: aesGcm('new', 'old') }
      assert.equal((await open({ now }, store, both).load(cookie)).status, 'active')
    },
  ),
  sessions(
    'refusal-writes-nothing',
    'A value that cannot be brought back equal is refused, with its path, before anything is written.',
    async ({ sessions: open, store, now }) => {
      const all = open()
      const cookie = await stored(all)
      const session = await all.load(cookie)
      session.data.cart = [1, { price: Number.NaN }]
      await assert.rejects(session.commit(), (error: { code?: string; message: string }) => {
        assert.deepEqual([error.code, error.message.includes('data.cart[1].price')], ['unserializable', true])
        return true
      })
      assert.equal((await store.read(keyOf(cookie), now, { fresh: true }))!.revision, 1)
      session.data.cart = [1]
      assert.deepEqual(await session.commit(), { status: 'saved' })
    },
  ),
  sessions(
    'inert-keys',
    'Keys such as __proto__, constructor and prototype in data are data, whoever put them there, and pollute nothing.',
    async ({ sessions: open }) => {
      const all = open()
      const session = await all.load(undefined)
      const hostile = JSON.parse(
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1}',
      )
      session.data = hostile as Record<string, unknown>
      const { cookieValue } = await session.commit()
      const other = await all.load(cookieValue)
      other.data.more = 1
      await other.commit()
      const { data } = await all.load(cookieValue)
      assert.deepEqual(Object.keys(data).toSorted(), ['__proto__', 'constructor', 'more', 'prototype'])
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      assert.equal((data as { polluted?: unknown }).polluted, undefined)
      assert.equal(Object.getPrototypeOf(data), Object.prototype)
    },
  ),
  sessions(
    'too-large-writes-nothing',
    'A session larger than the store takes is refused with too_large, and the stored record does not change.',
    async ({ sessions: open, store, now }) => {
      let writes = 0
      const counting = watched(store, (method) => void (writes += Number(method === 'replace')))
      const all = open({ now }, counting)
      const cookie = await stored(all)
      const session = await all.load(cookie)
      session.data.large = 'x'.repeat(store.traits.maxPayloadBytes)
      await assert.rejects(session.commit(), { code: 'too_large' })
      assert.equal(writes, 0)
      assert.deepEqual((await seen(all, cookie))[2], { n: 0 })
    },
    ({ store: { traits } }) =>
      traits.maxPayloadBytes <= 67_108_864
        ? undefined
        : `the store claims ${traits.maxPayloadBytes} bytes, more than can be tried`,
  ),
]

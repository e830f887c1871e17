import assert from 'node:assert/strict'
import type { Case } from '../contract.ts'
import { clause } from './case.ts'

const store = clause('identity', 'store')
const sessions = clause('identity', 'sessions')

/** Who is who: keys, namespaces, secrets. */
export const identity: readonly Case[] = [
  store(
    'create-is-exclusive',
    'Create on a live key answers false and leaves the record as it is.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const first = record({ payload: Buffer.from('first') })
      assert.equal(await it.create(at, first, now), true)
      assert.equal(await it.create(at, record({ payload: Buffer.from('second'), expiresAt: now + 90_000 }), now), false)
      const read = await it.read(at, now)
      assert.deepEqual([Buffer.from(read!.payload).toString(), read!.expiresAt], ['first', first.expiresAt])
    },
  ),
  store(
    'racing-creates',
    'Of two creates of one key at once, from two clients, one wins.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      for (let i = 0; i < 20; i++) {
        const at = key()
        const answers = await Promise.all([
          it.create(at, record({ payload: Buffer.from('a') }), now),
          other.create(at, record({ payload: Buffer.from('b') }), now),
        ])
        assert.equal(answers.filter(Boolean).length, 1)
        assert.equal(Buffer.from((await it.read(at, now))!.payload).toString(), answers[0] ? 'a' : 'b')
      }
    },
  ),
  store('case-matters', 'Keys that differ in case alone are two keys.', async ({ store: it, record, now }) => {
    const lower = { tag: 'abcdefghijkl', id: 'abcdefghijklmnop' }
    const upper = { tag: 'ABCDEFGHIJKL', id: 'ABCDEFGHIJKLMNOP' }
    await it.create(lower, record(), now)
    for (const at of [upper, { ...lower, tag: upper.tag }, { ...lower, id: upper.id }])
      assert.equal(await it.read(at, now), undefined)
    assert.equal(await it.create(upper, record(), now), true)
  }),
  store(
    'both-parts',
    'Tag and id both name a record: the same id under another tag is another.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record(), now)
      assert.equal(await it.read({ ...key(), id: at.id }, now), undefined)
      assert.equal(await it.delete({ ...key(), id: at.id }, now), false)
      assert.ok(await it.read(at, now))
    },
  ),
  store(
    'any-alphabet',
    'Every base64url character may stand in a key, and means itself.',
    async ({ store: it, record, now }) => {
      const keys = ['------------', '____________', '0123456789-_', '-_-_-_-_-_-_'].map((tag) => ({
        tag,
        id: `_${tag}_--`.padEnd(16, '-'),
      }))
      for (const at of keys)
        assert.equal(await it.create(at, record({ payload: Buffer.from(at.tag + at.id) }), now), true)
      for (const at of keys) assert.equal(Buffer.from((await it.read(at, now))!.payload).toString(), at.tag + at.id)
    },
  ),
  store(
    'namespaces',
    'What is written in one namespace is not seen in another.',
    async ({ harness, store: it, key, record, now }) => {
      const other = await harness.open()
      try {
        const at = key()
        await it.create(at, record({ subject: 'ann' }), now)
        assert.equal(await other.store.read(at, now), undefined)
        assert.equal(await other.store.delete(at, now), false)
        assert.equal((await other.store.deleteSubject?.({ id: 'ann', tag: at.tag }, now)) ?? 0, 0)
        assert.ok(await it.read(at, now))
      } finally {
        await other.close()
      }
    },
  ),
  sessions(
    'unknown-is-no-write',
    'An unknown, malformed or foreign cookie value is no error, adopts nothing and writes nothing.',
    async ({ sessions: open, store: it, now }) => {
      const all = open()
      for (const value of [
        '',
        'x',
        'a'.repeat(60),
        'a'.repeat(61),
        'é'.repeat(60),
        '\0'.repeat(60),
        '../'.repeat(20),
        'a'.repeat(10_000),
      ]) {
        const session = await all.load(value)
        assert.equal(session.status, 'new')
        assert.deepEqual(await session.commit(), { status: 'unchanged' })
      }
      assert.equal(await it.read({ tag: 'a'.repeat(12), id: 'a'.repeat(16) }, now), undefined)
    },
  ),
  sessions(
    'no-secret-at-rest',
    'Nothing that is stored works as a cookie, and the secret is not in it.',
    async ({ sessions: open, store: it, now }) => {
      const all = open()
      const session = await all.load(undefined)
      session.data.a = 1
      const value = (await session.commit()).cookieValue!
      const record = await it.read({ tag: value.slice(0, 12), id: value.slice(12, 28) }, now)
      const text = Buffer.from(record!.payload).toString('latin1')
      assert.ok(!text.includes(value.slice(28)))
      assert.ok(!Buffer.from(record!.payload).includes(Buffer.from(value.slice(28), 'base64url')))
      for (const found of text.match(/[\w-]{32}/g) ?? [])
        assert.equal((await all.load(value.slice(0, 28) + found)).status, 'new')
    },
  ),
  sessions(
    'wrong-secret',
    'A right handle with a wrong secret is rejected and reported.',
    async ({ sessions: open }) => {
      const all = open()
      const reasons: string[] = []
      all.on('rejected', ({ reason }) => reasons.push(reason))
      const session = await all.load(undefined)
      session.data.a = 1
      const value = (await session.commit()).cookieValue!
      assert.equal((await all.load(value.slice(0, 59) + (value.endsWith('A') ? 'B' : 'A'))).status, 'new')
      assert.deepEqual(reasons, ['mismatched'])
    },
  ),
]

import assert from 'node:assert/strict'
import type { SessionRecord } from '@sess/core'
import type { Case } from '../contract.ts'
import { clause } from './case.ts'

const store = clause('round-trip', 'store')

/** A payload as large as the store claims, but no larger than is decent to try. */
const LARGEST_TRIED = 4_194_304

function same(read: SessionRecord | undefined, written: SessionRecord): void {
  assert.ok(read, 'the record is missing')
  assert.deepEqual(
    {
      revision: read.revision,
      expiresAt: read.expiresAt,
      subject: read.subject,
      payload: Buffer.from(read.payload).toString('base64'),
    },
    {
      revision: written.revision,
      expiresAt: written.expiresAt,
      subject: written.subject,
      payload: Buffer.from(written.payload).toString('base64'),
    },
  )
}

/** What goes in comes out. */
export const roundTrip: readonly Case[] = [
  store(
    'every-byte',
    'A payload of every byte value comes back byte for byte.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const written = record({ payload: Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff) })
      await it.create(at, written, now)
      same(await it.read(at, now), written)
    },
  ),
  store('empty-payload', 'An empty payload comes back empty.', async ({ store: it, key, record, now }) => {
    const at = key()
    const written = record({ payload: new Uint8Array(0), subject: 'ann' })
    await it.create(at, written, now)
    same(await it.read(at, now), written)
  }),
  store(
    'largest-payload',
    'A payload of the size that the store claims fits, at create and at replace.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const payload = Buffer.alloc(Math.min(it.traits.maxPayloadBytes, LARGEST_TRIED), 0xa5)
      const written = record({ payload, subject: 'ann' })
      assert.equal(await it.create(at, written, now), true)
      same(await it.read(at, now), written)
      assert.equal(await it.replace(at, { ...written, revision: 2 }, written, now), 'replaced')
      same(await it.read(at, now), { ...written, revision: 2 })
    },
  ),
  store(
    'too-large',
    'A payload larger than claimed is refused with too_large, and nothing is written.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const large = record({ payload: Buffer.alloc(it.traits.maxPayloadBytes + 1) })
      await assert.rejects(it.create(at, large, now), { code: 'too_large' })
      assert.equal(await it.read(at, now), undefined)
      await it.create(at, record(), now)
      await assert.rejects(it.replace(at, { ...large, revision: 2 }, record(), now), { code: 'too_large' })
      same(await it.read(at, now), record())
    },
    ({ store: it }) =>
      it.traits.maxPayloadBytes < 1e8
        ? undefined
        : `the store claims ${it.traits.maxPayloadBytes} bytes, more than can be tried`,
  ),
  store(
    'missing',
    'A record that is not there is undefined, missing or false, and no error.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      assert.equal(await it.read(at, now), undefined)
      assert.equal(await it.read(at, now, true), undefined)
      assert.equal(await it.replace(at, record({ revision: 2 }), record(), now), 'missing')
      assert.equal(await it.touch(at, now + 1, record(), now), 'missing')
      assert.equal(await it.delete(at, now), false)
      assert.equal(await it.read(at, now), undefined)
    },
  ),
  store('delete', 'A delete is true once, and false after.', async ({ store: it, key, record, now }) => {
    const at = key()
    await it.create(at, record(), now)
    assert.deepEqual(
      [await it.delete(at, now), await it.delete(at, now), await it.read(at, now)],
      [true, false, undefined],
    )
  }),
  store(
    'replace',
    'A replace changes payload, revision and expiry together; the subject stays.',
    async ({ store: it, key, record, now }) => {
      for (const subject of [undefined, 'ann']) {
        const at = key()
        const first = record(subject === undefined ? {} : { subject })
        await it.create(at, first, now)
        const next = { ...first, revision: 2, expiresAt: now + 90_000, payload: Buffer.from('longer than before') }
        assert.equal(await it.replace(at, next, first, now), 'replaced')
        same(await it.read(at, now), next)
        const last = { ...next, revision: 3, expiresAt: now + 30_000, payload: Buffer.from('s') }
        assert.equal(await it.replace(at, last, next, now), 'replaced')
        same(await it.read(at, now), last)
      }
    },
  ),
  store(
    'replace-conflict',
    'A replace of another revision answers conflict, and changes nothing.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const first = record({ revision: 7 })
      await it.create(at, first, now)
      for (const revision of [6, 8, 70])
        assert.equal(
          await it.replace(
            at,
            record({ revision: revision + 1, payload: Buffer.from('x') }),
            record({ revision }),
            now,
          ),
          'conflict',
        )
      same(await it.read(at, now), first)
    },
  ),
  store('touch', 'A touch moves the clock, and nothing else.', async ({ store: it, key, record, now }) => {
    const at = key()
    const first = record({ subject: 'ann' })
    await it.create(at, first, now)
    assert.equal(await it.touch(at, now + 90_000, first, now), 'touched')
    same(await it.read(at, now), { ...first, expiresAt: now + 90_000 })
  }),
  store(
    'touch-conflict',
    'A touch of another revision answers conflict, and changes nothing.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ revision: 2 }), now)
      assert.equal(await it.touch(at, now + 90_000, record({ revision: 1 }), now), 'conflict')
      same(await it.read(at, now), record({ revision: 2 }))
    },
  ),
  store('large-revision', 'Revisions past 2³² are kept exactly.', async ({ store: it, key, record, now }) => {
    const at = key()
    const first = record({ revision: 2 ** 40 })
    await it.create(at, first, now)
    assert.equal(await it.replace(at, { ...first, revision: 2 ** 40 + 1 }, first, now), 'replaced')
    assert.equal((await it.read(at, now))!.revision, 2 ** 40 + 1)
  }),
  store(
    'no-alias-in',
    'What the caller does to its bytes after a call changes nothing that is stored.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const payload = Buffer.from('abc')
      const first = record({ payload })
      await it.create(at, first, now)
      payload.fill('x')
      assert.equal(Buffer.from((await it.read(at, now))!.payload).toString(), 'abc')
      const next = { ...first, revision: 2, payload: Buffer.from('def') }
      await it.replace(at, next, first, now)
      next.payload.fill('x')
      assert.equal(Buffer.from((await it.read(at, now))!.payload).toString(), 'def')
    },
  ),
  store(
    'no-alias-out',
    'What the caller does to the bytes that it was given changes nothing that is stored.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ payload: Buffer.from('abc') }), now)
      ;(await it.read(at, now))!.payload.fill(0)
      assert.equal(Buffer.from((await it.read(at, now))!.payload).toString(), 'abc')
    },
  ),
]

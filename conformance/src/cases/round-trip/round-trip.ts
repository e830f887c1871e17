import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { asExpected, type AnyRecord, type SessionRecord } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, clause, listed, lists, same, subjectOf, textOf } from '../../case-parts/case.ts'
import { FILES, FORMATS } from './formats.ts'

const store = clause('round-trip', 'store')

/** The largest payload that a case sends, in bytes. */
const LARGEST_TRIED = 67_108_864

const triable: Case['requires'] = ({ store: { traits } }) =>
  traits.maxPayloadBytes <= LARGEST_TRIED
    ? undefined
    : `the store claims ${traits.maxPayloadBytes} bytes, more than can be tried`

/** Makes bytes that do not compress. They differ for each size, and are the same at each run. */
function bytesOf(size: number): Uint8Array {
  return new Uint8Array(createHash('shake128', { outputLength: size }).update(`${size}`).digest())
}

/** Cases on the round trip of records: a read gives the written record. */
export const roundTrip: readonly Case[] = [
  store(
    'every-byte',
    'A payload of every byte value comes back byte for byte.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const written = record({ payload: Uint8Array.from({ length: 1024 }, (_, i) => (i * 7 + (i >> 8)) & 0xff) })
      await it.create(at, written, now)
      same(await it.read(at, now), written, it)
    },
  ),
  store(
    'other-formats',
    'A payload that begins like a file of another format, or is one, comes back byte for byte: nothing compresses or parses it.',
    async ({ store: it, key, record, now }) => {
      const ends = [new Uint8Array(0), Uint8Array.of(0), bytesOf(64)]
      const beginnings = FORMATS.flatMap(([format, beginning]) =>
        ends.map((end) => [`begins like ${format}`, Buffer.concat([beginning, end])] as const),
      )
      const files = FILES.map(([format, bytes]) => [`is ${format}`, bytes] as const)
      for (const [what, payload] of [...beginnings, ...files]) {
        const at = key()
        const written = record({ payload })
        await it.create(at, written, now)
        const found = await it.read(at, now).catch((error: unknown) => {
          throw new Error(`a payload that ${what} could not be read`, { cause: error })
        })
        same(found, written, it)
      }
    },
  ),
  store('empty-payload', 'An empty payload comes back empty.', async ({ store: it, key, record, now }) => {
    const at = key()
    const written = record({ payload: new Uint8Array(0), subject: 'ann' })
    await it.create(at, written, now)
    same(await it.read(at, now), written, it)
  }),
  store(
    'largest-payload',
    'A payload of exactly the size that the store claims fits, at create, replace and touch, whether its bytes could be compressed or not.',
    async ({ store: it, key, record, now }) => {
      const { maxPayloadBytes } = it.traits
      for (const payload of [Buffer.alloc(maxPayloadBytes, 0xa5), bytesOf(maxPayloadBytes)]) {
        const at = key()
        const written = record({ payload, subject: 'x'.repeat(1024) })
        assert.equal(await it.create(at, written, now), true)
        same(await it.read(at, now), written, it)
        const next = { ...written, revision: 2 }
        assert.equal(await it.replace(at, asExpected(written), next, now), 'replaced')
        same(await it.read(at, now), next, it)
        assert.equal(await it.touch(at, asExpected(next), now + 90_000, now), 'touched')
        same(await it.read(at, now), { ...next, expiresAt: now + 90_000 }, it)
        await it.delete(at, now)
      }
    },
    triable,
  ),
  store(
    'same-checksum',
    'Payloads of one length and one CRC-32 replace each other.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const first = record({ payload: Buffer.from('plumless') })
      await it.create(at, first, now)
      const next = { ...first, revision: 2, payload: Buffer.from('buckeroo') }
      assert.equal(await it.replace(at, asExpected(first), next, now), 'replaced')
      same(await it.read(at, now), next, it)
    },
  ),
  store(
    'sizes-between',
    'Payloads of any size replace each other whole, and a record that was read does not change with later reads.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const most = Math.min(it.traits.maxPayloadBytes, 2 ** 17)
      const near = [0, 7, 8, 12, 14, 16].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
      const sizes = [...near, most - 1, most].filter((size) => size <= most)
      let last = record({ payload: bytesOf(3) })
      await it.create(at, last, now)
      const read: (readonly [AnyRecord, SessionRecord])[] = []
      // Large and small payloads take turns, and each has its own bytes.
      for (const [i, size] of sizes.map((_, i) => sizes.at(i % 2 ? i >> 1 : ~(i >> 1))!).entries()) {
        const next = { ...last, revision: i + 2, payload: bytesOf(size) }
        assert.equal(await it.replace(at, asExpected(last), next, now), 'replaced', `${size} bytes`)
        const found = await it.read(at, now)
        same(found, next, it)
        read.push([found, next])
        last = next
      }
      for (let i = 0; i < 40; i++) same(await it.read(at, now), last, it)
      for (const [found, written] of read) same(found, written, it)
    },
  ),
  store(
    'too-large',
    'A payload of one byte more than claimed is refused with too_large, and nothing is written; afterwards its client and others write as before.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const goesOn = async (): Promise<void> => {
        for (const [writer, reader] of [
          [other, it],
          [it, other],
        ] as const) {
          const fresh = key()
          assert.equal(await writer.create(fresh, record(), now), true)
          same(await reader.read(fresh, now, { fresh: true }), record(), it)
        }
      }
      const at = key()
      const large = record({ payload: Buffer.alloc(it.traits.maxPayloadBytes + 1) })
      await assert.rejects(it.create(at, large, now), { code: 'too_large' })
      assert.equal(await it.read(at, now), undefined)
      await goesOn()
      // It is refused before anything is sent, whatever the store would find.
      const replace = (expected: SessionRecord): Promise<unknown> =>
        it.replace(at, asExpected(expected), { ...large, revision: 2 }, now)
      await assert.rejects(replace(record()), { code: 'too_large' }, 'a replace of a missing record')
      await it.create(at, record(), now)
      await assert.rejects(it.create(at, large, now), { code: 'too_large' }, 'a create in the place of another')
      await assert.rejects(replace(record()), { code: 'too_large' })
      await assert.rejects(replace(record({ revision: 7 })), { code: 'too_large' }, 'a replace of another revision')
      same(await it.read(at, now), record(), it)
      await goesOn()
    },
    triable,
  ),
  store(
    'missing',
    'A record that is not there is undefined, missing or false, and no error.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      assert.equal(await it.read(at, now), undefined)
      assert.equal(await it.read(at, now, { fresh: true }), undefined)
      assert.equal(await it.replace(at, asExpected(record()), record({ revision: 2 }), now), 'missing')
      assert.equal(await it.touch(at, asExpected(record()), now + 1, now), 'missing')
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
        assert.equal(await it.replace(at, asExpected(first), next, now), 'replaced')
        same(await it.read(at, now), next, it)
        const last = { ...next, revision: 3, expiresAt: now + 30_000, payload: Buffer.from('s') }
        assert.equal(await it.replace(at, asExpected(next), last, now), 'replaced')
        same(await it.read(at, now), last, it)
      }
    },
  ),
  store(
    'replace-conflict',
    'A replace of another revision answers conflict however often it is called and whatever its size, and changes nothing.',
    async ({ store: it, key, record, now }) => {
      for (const size of [1, Math.min(it.traits.maxPayloadBytes, 2 ** 17)]) {
        const at = key()
        const first = record({ revision: 7, payload: bytesOf(size) })
        await it.create(at, first, now)
        for (const revision of [6, 8, 70]) {
          const next = record({ revision: revision + 1, expiresAt: now + 90_000, payload: Buffer.alloc(size, 'x') })
          for (let call = 0; call < 3; call++)
            assert.equal(await it.replace(at, asExpected(record({ revision })), next, now), 'conflict')
        }
        same(await it.read(at, now), first, it)
      }
    },
  ),
  store('touch', 'A touch moves the clock, and nothing else.', async ({ store: it, key, record, now }) => {
    const at = key()
    const first = record({ subject: 'ann' })
    await it.create(at, first, now)
    assert.equal(await it.touch(at, asExpected(first), now + 90_000, now), 'touched')
    same(await it.read(at, now), { ...first, expiresAt: now + 90_000 }, it)
  }),
  store(
    'touch-conflict',
    'A touch of another revision answers conflict, and changes nothing.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ revision: 2 }), now)
      assert.equal(await it.touch(at, asExpected(record({ revision: 1 })), now + 90_000, now), 'conflict')
      same(await it.read(at, now), record({ revision: 2 }), it)
    },
  ),
  store('large-revision', 'Revisions past 2³² are kept exactly.', async ({ store: it, key, record, now }) => {
    const at = key()
    const first = record({ revision: 2 ** 40 })
    await it.create(at, first, now)
    assert.equal(await it.replace(at, asExpected(first), { ...first, revision: 2 ** 40 + 1 }, now), 'replaced')
    assert.equal((await it.read(at, now))!.revision, 2 ** 40 + 1)
  }),
  store(
    'no-alias-in',
    'A change of the caller’s key, record or bytes after a create, a replace or a touch changes no stored record.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const at = key(ann.tag)
      const spoil = (given: AnyRecord): void => {
        given.payload.fill(120)
        Object.assign(given, { revision: 9, expiresAt: now + 1, subject: 'bob' })
      }
      const isStill = async (written: SessionRecord): Promise<void> => {
        same(await it.read(at, now), written, it)
        if (it.list) assert.deepEqual(await listed(it, ann, now), [at.id])
      }
      const made = (revision: number, text: string): SessionRecord =>
        record({ subject: 'ann', revision, payload: Buffer.from(text) })
      const [given, keyGiven] = [made(1, 'abc'), { ...at }]
      await it.create(keyGiven, given, now)
      spoil(given)
      Object.assign(keyGiven, key())
      await isStill(made(1, 'abc'))
      const [next, expected] = [made(2, 'def'), asExpected(made(1, 'abc'))]
      assert.equal(await it.replace(at, expected, next, now), 'replaced')
      spoil(next)
      spoil(expected)
      await isStill(made(2, 'def'))
      const read = (await it.read(at, now))!
      assert.equal(await it.touch(at, read, now + 90_000, now), 'touched')
      spoil(read)
      await isStill({ ...made(2, 'def'), expiresAt: now + 90_000 })
    },
  ),
  store(
    'returned-stays',
    'The records that a read and a list returned do not change during forty more reads of other records.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const payloadOf = (i: number): Buffer => Buffer.alloc(200 + i, `payload ${i}, `)
      const keys = Array.from({ length: 41 }, () => key(ann.tag))
      for (const [i, at] of keys.entries()) await it.create(at, record({ subject: 'ann', payload: payloadOf(i) }), now)
      const returned: (readonly [i: number, read: AnyRecord])[] = []
      for (const [i, at] of keys.entries()) returned.push([i, (await it.read(at, now, { fresh: i % 2 === 0 }))!])
      if (it.list)
        for await (const [{ id }, read] of it.list(ann, now))
          returned.push([keys.findIndex((at) => at.id === id), read])
      for (const [i, read] of returned) same(read, record({ subject: 'ann', payload: payloadOf(i) }), it)
    },
  ),
  store(
    'no-alias-out',
    'A change of a record that a read returned, or of its bytes, changes no stored record, also when the record is expected by a touch.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      await it.create(at, record({ payload: Buffer.from('abc') }), now)
      for (const fresh of [false, true]) {
        const read = (await it.read(at, now, { fresh }))!
        read.payload.fill(0)
        same(await it.read(at, now), record({ payload: Buffer.from('abc') }), it)
        Object.assign(read, { revision: 9, expiresAt: now + 1, subject: 'bob' })
        same(await it.read(at, now), record({ payload: Buffer.from('abc') }), it)
      }
      // Of the record that is expected only the revision counts.
      const read = (await it.read(at, now))!
      read.payload.fill(0)
      assert.equal(await it.touch(at, read, now + 90_000, now), 'touched')
      same(await it.read(at, now), record({ payload: Buffer.from('abc'), expiresAt: now + 90_000 }), it)
    },
  ),
  store(
    'no-alias-listed',
    'A change of a record that a list returned changes no stored record, and adds no subject to one.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const ann = { id: 'ann', tag: at.tag }
      await it.create(at, record({ subject: 'ann', payload: Buffer.from('abc') }), now)
      const written = record({ subject: 'ann', payload: Buffer.from('abc') })
      for (const entries of [() => it.list!(ann, now), ...(it.all ? [() => it.all!(now)] : [])]) {
        const [[given, found] = assert.fail('the list is empty')] = await all(entries())
        found.payload.fill(0)
        Object.assign(found, { revision: 9, subject: 'bob' })
        Object.assign(given, key())
        same(await it.read(at, now), written, it)
        const [[keyOfNext, next] = assert.fail('the list is empty')] = await all(entries())
        assert.deepEqual(keyOfNext, at)
        same(next, written, it)
      }
    },
    lists,
  ),
  store(
    'views-of-bytes',
    'A payload that is a view into a larger buffer is stored as itself alone.',
    async ({ store: it, key, record, now }) => {
      const at = key()
      const whole = Buffer.from('--payload--')
      const written = record({ payload: whole.subarray(2, 9) })
      await it.create(at, written, now)
      assert.equal(textOf(await it.read(at, now)), 'payload')
      await it.replace(at, asExpected(written), { ...written, revision: 2, payload: whole.subarray(2, 5) }, now)
      assert.equal(textOf(await it.read(at, now)), 'pay')
    },
  ),
]

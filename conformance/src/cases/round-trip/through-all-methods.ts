import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { AnyRecord, SessionKey, SessionRecord } from '@sess/core'
import { asExpected } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { all, clause, same } from '../../case-parts/case.ts'
import { FILES, FORMATS } from './formats.ts'

const store = clause('round-trip', 'store')

/** The largest payload of these cases, in bytes. */
const LARGEST = 2 ** 17

/** Bytes that do not compress, of a size. */
const bytesOf = (size: number): Uint8Array =>
  new Uint8Array(createHash('shake128', { outputLength: size }).update(`${size}`).digest())

/** Every way in which a store gives a record out, with what each gives for a key. */
async function* looks({ store: it, now }: CaseContext, key: SessionKey, subject: string) {
  yield ['a read', await it.read(key, now)] as const
  yield ['a fresh read', await it.read(key, now, { fresh: true })] as const
  const found = (entries: (readonly [SessionKey, SessionRecord])[]): AnyRecord | undefined =>
    entries.find(([{ tag, id }]) => tag === key.tag && id === key.id)?.[1]
  if (it.list) yield ['a list', found(await all(it.list({ id: subject, tag: key.tag }, now)))] as const
  if (it.all) yield ['a list of all', found(await all(it.all(now)))] as const
}

/** Expects every way to give this record. */
async function seenByAll(context: CaseContext, key: SessionKey, written: SessionRecord, what: string): Promise<void> {
  for await (const [look, found] of looks(context, key, written.subject!))
    try {
      same(found, written, context.store)
    } catch (error) {
      if (error instanceof Error) error.message = `${look} after a ${what}: ${error.message}`
      throw error
    }
}

/** Cases on values, through every method that writes and every method that gives records out. */
export const throughAllMethods: readonly Case[] = [
  store(
    'payloads-through-all',
    'A payload of any size, of any bytes and like any format, is the same after a create, a replace and a touch, in a read, a list and a list of all.',
    async (context) => {
      const { store: it, key, record, now } = context
      const most = Math.min(it.traits.maxPayloadBytes, LARGEST)
      const payloads = [
        ...[0, 1, 255, 4097, 65_537, most].filter((size) => size <= most).map(bytesOf),
        Uint8Array.from({ length: 256 }, (_, i) => i),
        ...[...FORMATS, ...FILES].map(([, bytes]) => bytes),
      ]
      for (const payload of payloads) {
        // Each under a tag of its own: a list would give all that was written before.
        const at = key()
        const first = record({ subject: 'ann', payload })
        assert.equal(await it.create(at, first, now), true)
        await seenByAll(context, at, first, 'create')
        const between = { ...first, revision: 2, payload: bytesOf(33) }
        assert.equal(await it.replace(at, asExpected(first), between, now), 'replaced')
        const last = { ...first, revision: 3 }
        assert.equal(await it.replace(at, asExpected(between), last, now), 'replaced')
        await seenByAll(context, at, last, 'replace')
        assert.equal(await it.touch(at, asExpected(last), now + 90_000, now), 'touched')
        await seenByAll(context, at, { ...last, expiresAt: now + 90_000 }, 'touch')
        assert.equal(await it.delete(at, now), true)
      }
    },
  ),
  store(
    'subjects-through-all',
    'A subject of any characters is the same after a create, a replace and a touch, in a read, a list and a list of all.',
    async (context) => {
      const { store: it, key, record, now } = context
      for (const subject of SUBJECTS) {
        const at = key()
        const first = record({ subject })
        assert.equal(await it.create(at, first, now), true)
        await seenByAll(context, at, first, 'create')
        const last = { ...first, revision: 2 }
        assert.equal(await it.replace(at, asExpected(first), last, now), 'replaced')
        await seenByAll(context, at, last, 'replace')
        assert.equal(await it.touch(at, asExpected(last), now + 90_000, now), 'touched')
        await seenByAll(context, at, { ...last, expiresAt: now + 90_000 }, 'touch')
        assert.equal(await it.delete(at, now), true)
      }
    },
  ),
  store(
    'revisions-through-all',
    'A revision past 2³² is compared whole by a replace and a touch, and comes back from a read, a list and a list of all.',
    async (context) => {
      const { store: it, key, record, now } = context
      for (const revision of [2 ** 32 - 1, 2 ** 32 + 1, 2 ** 48 + 3]) {
        const at = key()
        const first = record({ subject: 'ann', revision })
        assert.equal(await it.create(at, first, now), true)
        // The same in the last 31 and 32 bits, and the next float of 32 bits.
        for (const by of [2 ** 31, 2 ** 32, 1, 2 ** 33]) {
          const wrong = asExpected({ ...first, revision: revision + by })
          const next = { ...first, revision: revision + by + 1 }
          assert.equal(await it.replace(at, wrong, next, now), 'conflict', `a replace of ${by} more`)
          assert.equal(await it.touch(at, wrong, now + 90_000, now), 'conflict', `a touch of ${by} more`)
        }
        assert.equal(await it.touch(at, asExpected(first), now + 90_000, now), 'touched')
        const last = { ...first, revision: revision + 1, expiresAt: now + 90_000 }
        assert.equal(await it.replace(at, asExpected(first), last, now), 'replaced')
        await seenByAll(context, at, last, 'replace')
      }
    },
  ),
]

/** Subjects that a store may take for something else, or give back as another. */
const SUBJECTS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  '01',
  '1e3',
  '9007199254740993',
  'null',
  'undefined',
  'true',
  '\uFEFFann',
  'ann\u200D',
  'a:b:c',
  'a/b/../c',
  String.raw`a\u0041\n`,
  'a@b.example',
  '[a]?*',
  '{"a":1}',
  'ann\r\n',
  '\u0001\u001F\u007F\u0085\u2028',
  'Ǆ İ ı ß ﬁ',
  'A\u030Ann',
  '𝒜👩‍👩‍👧\u{10FFFF}',
  '%41+%20',
  "a'; --",
]

import assert from 'node:assert/strict'
import type { SessionKey, SessionRecord, SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { clause, listed, revokes, same, turns } from '../../case-parts/case.ts'
import { settle } from '../../case-parts/trouble.ts'

const store = clause('races', 'store')

/** How many calls of each kind are made at once, and how large the payload of every tenth call is at most, in bytes. */
const [EACH, LARGE] = [40, 50_000]
/** More revocations at once than a pool has connections. */
const REVOCATIONS = 24

/** A call, the record that is there before it, its answer, and the record that is there after it. */
interface Kind {
  readonly name: string
  call(it: SessionStore, at: SessionKey, own: SessionRecord): Promise<unknown>
  readonly isThere: boolean
  readonly answer: unknown
  after(own: SessionRecord): SessionRecord | undefined
}

/** Every kind of call on one record, with every answer that it can have. */
function kindsOf(now: number): readonly Kind[] {
  const next = (own: SessionRecord): SessionRecord => ({
    ...own,
    revision: 2,
    expiresAt: now + 90_000,
    payload: Buffer.concat([Buffer.from('next '), own.payload]),
  })
  const stale = (own: SessionRecord) => asExpected({ ...own, revision: 7 })
  const unchanged = (own: SessionRecord): SessionRecord => own
  const none = (): undefined => undefined
  const later = now + 120_000
  return [
    {
      name: 'read',
      call: async (it, at) => Buffer.from((await it.read(at, now))?.payload ?? []).length > 0,
      isThere: true,
      answer: true,
      after: unchanged,
    },
    {
      name: 'read of none',
      call: async (it, at) => (await it.read(at, now)) === undefined,
      isThere: false,
      answer: true,
      after: none,
    },
    { name: 'create', call: (it, at, own) => it.create(at, own, now), isThere: false, answer: true, after: unchanged },
    {
      name: 'create in the place of another',
      call: (it, at, own) => it.create(at, { ...own, payload: Buffer.from('another') }, now),
      isThere: true,
      answer: false,
      after: unchanged,
    },
    {
      name: 'replace',
      call: (it, at, own) => it.replace(at, asExpected(own), next(own), now),
      isThere: true,
      answer: 'replaced',
      after: next,
    },
    {
      name: 'replace of another revision',
      call: (it, at, own) => it.replace(at, stale(own), { ...next(own), revision: 8 }, now),
      isThere: true,
      answer: 'conflict',
      after: unchanged,
    },
    {
      name: 'replace of none',
      call: (it, at, own) => it.replace(at, asExpected(own), next(own), now),
      isThere: false,
      answer: 'missing',
      after: none,
    },
    {
      name: 'touch',
      call: (it, at, own) => it.touch(at, asExpected(own), later, now),
      isThere: true,
      answer: 'touched',
      after: (own) => ({ ...own, expiresAt: later }),
    },
    {
      name: 'touch of another revision',
      call: (it, at, own) => it.touch(at, stale(own), later, now),
      isThere: true,
      answer: 'conflict',
      after: unchanged,
    },
    { name: 'delete', call: (it, at) => it.delete(at, now), isThere: true, answer: true, after: none },
    { name: 'delete of none', call: (it, at) => it.delete(at, now), isThere: false, answer: false, after: none },
  ]
}

/** Cases on many calls that one client makes at once. */
export const atOnce: readonly Case[] = [
  store(
    'many-at-once',
    'Calls that one client makes at once, hundreds of them, of every kind and with every answer, are each answered by themselves.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const { maxPayloadBytes } = it.traits
      const large = Math.min(LARGE, maxPayloadBytes - 5)
      const calls = Array.from({ length: EACH }, (_, turn) =>
        kindsOf(now).map((kind, i) => {
          const text = `${kind.name} ${turn} `
          const payload = Buffer.from(turn % 10 ? text : text.padEnd(large, text))
          return { kind, at: key(), own: record({ payload, ...(i % 2 && { subject: text }) }) }
        }),
      ).flat()
      const isRight = async ({ at }: (typeof calls)[number], is: SessionRecord | undefined): Promise<void> => {
        const found = await other.read(at, now, { fresh: true })
        if (is) same(found, is, it)
        // Not `equal`: its message would compare tens of thousands of bytes one by one.
        else assert.ok(found === undefined, 'a record is left or was created')
      }
      await Promise.all(calls.filter(({ kind }) => kind.isThere).map(({ at, own }) => other.create(at, own, now)))
      const tooLarge = record({ payload: Buffer.alloc(maxPayloadBytes < 2 ** 22 ? maxPayloadBytes + 1 : 0) })
      const refused = tooLarge.payload.length ? settle(it.create(key(), tooLarge, now)) : undefined
      const answers = await Promise.all(calls.map(({ kind, at, own }) => settle(kind.call(it, at, own))))
      for (const [i, { kind }] of calls.entries()) {
        const answer = answers[i]!
        if ('error' in answer)
          throw new assert.AssertionError({ message: `a ${kind.name} failed: ${String(answer.error)}` })
        assert.deepEqual(answer.value, kind.answer, kind.name)
      }
      if (refused) assert.ok('error' in (await refused), 'a payload that is too large was taken')
      await Promise.all(calls.map((call) => isRight(call, call.kind.after(call.own))))
    },
  ),
  store(
    'many-revocations-at-once',
    'Lists and revocations that one client makes at once, of as many subjects, each find the sessions of their own.',
    async ({ store: it, key, record, now }) => {
      const subjects = Array.from({ length: REVOCATIONS }, (_, i) => ({ id: `user ${i}`, tag: key().tag }))
      const keys = subjects.map(({ tag }) => key(tag))
      await Promise.all(subjects.map(({ id }, i) => it.create(keys[i]!, record({ subject: id }), now)))
      if (it.list)
        assert.deepEqual(
          await Promise.all(subjects.map((subject) => listed(it, subject, now))),
          keys.map(({ id }) => [id]),
        )
      const went = await Promise.all(subjects.map((subject) => sum(it.deleteSubject!(subject, now))))
      for (const [i, count] of went.entries()) assert.ok(count === 1 || count === undefined, `${count} of user ${i}`)
      for (const at of keys) assert.equal(await it.read(at, now, { fresh: true }), undefined)
    },
    revokes,
  ),
  store(
    'reads-are-whole',
    'A read while a large payload is replaced is the record of before or of after, whole.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      const at = key()
      const size = Math.min(it.traits.maxPayloadBytes, 200_000)
      const payloads = ['a', 'b'].map((letter) => Buffer.alloc(size, letter))
      let last = record({ payload: payloads[1]! })
      await other.create(at, last, now)
      const over = new AbortController()
      const reads = async (client: SessionStore): Promise<void> => {
        while (!over.signal.aborted) {
          const { payload, revision } = (await client.read(at, now, { fresh: true }))!
          assert.ok(payloads[revision % 2 ? 1 : 0]!.equals(payload), 'a read is half old and half new')
          // A store that waits for nothing would keep everything else from its turn.
          await turns(1)
        }
      }
      const reading = Promise.all([reads(it), reads(it), reads(other)])
      reading.catch(() => {})
      for (let round = 0; round < rounds(20); round++) {
        const revision = last.revision + 1
        const next = { ...last, revision, payload: payloads[revision % 2 ? 1 : 0]! }
        assert.equal(await other.replace(at, asExpected(last), next, now), 'replaced')
        last = next
      }
      over.abort()
      await reading
    },
  ),
  store(
    'another-life',
    'A replace and a touch that expect a revision which another client has given to a new record, after the end of the old one, write that revision whole.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const old = record({ payload: Buffer.alloc(500, 'a') })
      const fresh = { ...old, payload: Buffer.alloc(500, 'b') }
      for (const write of ['replace', 'touch'] as const) {
        const at = key()
        await it.create(at, old, now)
        const read = (await it.read(at, now))!
        await other.delete(at, now)
        await other.create(at, fresh, now)
        const next = { ...old, revision: 2, payload: Buffer.from(`c${'a'.repeat(499)}`) }
        if (write === 'replace') {
          assert.equal(await it.replace(at, read, next, now), 'replaced')
          same(await other.read(at, now, { fresh: true }), next, it)
        } else {
          assert.equal(await it.touch(at, read, now + 90_000, now), 'touched')
          same(await other.read(at, now, { fresh: true }), { ...fresh, expiresAt: now + 90_000 }, it)
        }
      }
    },
  ),
]

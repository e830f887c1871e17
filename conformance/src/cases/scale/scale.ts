import assert from 'node:assert/strict'
import type { SessionKey } from '@sess/core'
import { sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import {
  clause,
  counts,
  increment,
  listed,
  lists,
  revokes,
  stored,
  subjectOf,
  sweeps,
  watched,
} from '../../case-parts/case.ts'

const sessions = clause('scale', 'sessions')
const store = clause('scale', 'store')

/** How many records the cases of this file write at once. */
const ABREAST = 100

/** Creates many records. `of` gives the subject, the tag and the life of each record. */
async function fill(
  { store: it, key, record, now: today }: CaseContext,
  count: number,
  of: (index: number) => { readonly subject?: string; readonly tag?: string; readonly life?: number },
  now = today,
): Promise<SessionKey[]> {
  const keys: SessionKey[] = []
  for (let i = 0; i < count; i += ABREAST)
    await Promise.all(
      Array.from({ length: Math.min(ABREAST, count - i) }, async (_, j) => {
        const { subject, tag, life = 60_000 } = of(i + j)
        const at = key(tag)
        keys.push(at)
        await it.create(
          at,
          record({ expiresAt: now + life, ...(subject !== undefined && { subject }) }),
          now + Math.min(life - 1000, 0),
        )
      }),
    )
  return keys
}

/** The least time of several calls, in ms: the call with the least disturbance by other work. */
async function least(times: number, run: (i: number) => Promise<unknown>): Promise<number> {
  let best = Infinity
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await run(i)
    best = Math.min(best, performance.now() - began)
  }
  return best
}

/** Cases on cost: calls and times, also with many records. */
export const scale: readonly Case[] = [
  sessions(
    'calls',
    'An untouched visit costs no call, a read one, a write two, a login from an anonymous session three, a logout two.',
    async ({ sessions: open, store: real, now }) => {
      let calls: string[] = []
      const it = open(
        { now },
        watched(real, (method) => void calls.push(method)),
      )
      const costs = async (act: () => Promise<unknown>): Promise<string[]> => {
        calls = []
        await act()
        return calls
      }
      assert.deepEqual(await costs(async () => (await it.load(undefined)).commit()), [])
      const cookie = await stored(it)
      assert.deepEqual(await costs(async () => (await it.load(cookie)).commit()), ['read'])
      assert.deepEqual(await costs(async () => (await it.load(cookie)).update(increment)), ['read', 'replace'])
      let next: string | undefined
      assert.deepEqual(await costs(async () => (next = (await (await it.load(cookie)).login('ann')).cookieValue)), [
        'read',
        'create',
        'replace',
      ])
      assert.deepEqual(await costs(async () => (await it.load(next)).regenerate()), ['read', 'replace'])
      next = await stored(it)
      assert.deepEqual(await costs(async () => (await it.load(next)).logout()), ['read', 'delete'])
    },
  ),
  sessions(
    'keys-spread',
    'Tags spread evenly: those of anonymous sessions are random, those of subjects a hash, the same for one subject.',
    async ({ sessions: open }) => {
      const all = open()
      const tags: string[] = []
      for (let i = 0; i < 64; i++) {
        tags.push((await stored(all)).slice(0, 12), (await stored(all, {}, `user-${i}`)).slice(0, 12))
      }
      assert.equal(new Set(tags).size, 128)
      assert.equal((await stored(all, {}, 'user-7')).slice(0, 12), tags[15])
      const shards = new Map<number, number>()
      for (const tag of tags) {
        const shard = Buffer.from(tag, 'base64url')[8]! % 8
        shards.set(shard, (shards.get(shard) ?? 0) + 1)
      }
      assert.ok(
        shards.size === 8 && Math.max(...shards.values()) <= 40,
        `${[...shards.values()].join(', ')} on 8 shards`,
      )
    },
  ),
  store(
    'sweep-in-batches',
    'A sweep of many expired records goes page by page to its end, and takes each once.',
    async (context) => {
      const { store: it, now } = context
      const count = context.rounds(2400)
      // No record expires before the last record is created, because a store may drop expired records to make room.
      await fill(context, count, (i) => ({ life: i % 2 ? 60_000 : 4_000_000 }), now - 3_600_000)
      let total = 0
      let pages = 0
      for await (const swept of it.sweep!(now)) {
        total += swept
        assert.ok(++pages <= count, 'the sweep does not end')
      }
      assert.deepEqual([total, await sum(it.sweep!(now))], [Math.floor(count / 2), 0])
    },
    sweeps,
  ),
  store(
    'sweep-is-indexed',
    'A sweep with nothing to do costs no more among many live records than among few.',
    async (context) => {
      const { store: it, now } = context
      await fill(context, 20, () => ({ life: 900_000 }))
      const few = await least(20, () => sum(it.sweep!(now)))
      await fill(context, context.rounds(5000), () => ({ life: 900_000 }))
      const many = await least(40, () => sum(it.sweep!(now)))
      assert.ok(many < 8 * few + 0.25, `${many.toFixed(3)} ms among many live records, ${few.toFixed(3)} ms among 20`)
    },
    sweeps,
  ),
  store(
    'revoke-is-flat',
    'A revocation costs no more among many sessions of other subjects than among few.',
    async (context) => {
      const { store: it, now } = context
      const subject = subjectOf(context, 'ann')
      const revoke = async (times: number): Promise<number> => {
        await fill(context, times * 3, (i) => ({ subject: `ann-${i % times}`, tag: subject.tag }))
        return least(times, (i) => sum(it.deleteSubject!({ id: `ann-${i}`, tag: subject.tag }, now)))
      }
      // The other records have other tags, because a store may look at all records of one tag.
      const few = await revoke(20)
      await fill(context, context.rounds(5000), (i) => ({ subject: `other-${i}` }))
      const many = await revoke(40)
      assert.ok(many < 8 * few + 0.5, `${many.toFixed(3)} ms among many others, ${few.toFixed(3)} ms among none`)
    },
    revokes,
  ),
  store(
    'ten-thousand-listed',
    'A subject of ten thousand sessions is listed whole, each session once, and revoked whole.',
    async (context) => {
      const { store: it, now } = context
      const ann = subjectOf(context, 'ann')
      const keys = await fill(context, context.rounds(10_000), () => ({ subject: 'ann', tag: ann.tag, life: 900_000 }))
      const ids = await listed(it, ann, now)
      assert.ok(
        ids.join() ===
          keys
            .map(({ id }) => id)
            .toSorted()
            .join(),
        `${ids.length} listed, ${new Set(ids).size} of them different, of ${keys.length}`,
      )
      const went = await sum(it.deleteSubject!(ann, now))
      assert.ok(went === undefined || went === keys.length, `it says that ${went} of ${keys.length} went`)
      assert.deepEqual(await listed(it, ann, now), [])
    },
    lists,
  ),
  store(
    'ten-thousand-counted',
    'Ten thousand records of as many subjects are counted and found.',
    async (context) => {
      const { store: it, now } = context
      const keys = await fill(context, context.rounds(10_000), (i) => ({ subject: `user-${i}`, life: 900_000 }))
      assert.equal(await sum(it.count!(now)), keys.length)
      for (const at of keys.slice(-50)) assert.ok(await it.read(at, now))
    },
    counts,
  ),
]

import {
  createSessions,
  memoryStore,
  SessError,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { asExpected, GRACE_MS, sum } from '@sess/core/adapter'
import { heldStore, type HeldStore } from '../../core/test/held-store.ts'
import { tieredStore, type TieredStoreOptions } from './index.ts'

const STALE = 10_000
const key: SessionKey = { tag: 'a'.repeat(12), id: 'b'.repeat(16) }
const down = new SessError('store_unavailable', 'the cache is away')

let now: number
let origin: HeldStore
let cache: HeldStore
let tiered: SessionStore
let errors: unknown[]

const tier = (options: Partial<TieredStoreOptions> = {}): SessionStore =>
  tieredStore({ cache, origin, onCacheError: (error) => errors.push(error), ...options })
const record = (text: string, revision = 1, parts: Partial<SessionRecord> = {}): SessionRecord => ({
  revision,
  expiresAt: now + 1_800_000,
  payload: new TextEncoder().encode(text),
  ...parts,
})
const textOf = async (store: SessionStore, at = now): Promise<string | undefined> => {
  const found = await store.read(key, at)
  return found && Buffer.from(found.payload).toString()
}
/** Another process: the same origin, and a cache of its own, with the record in it. */
const neighbour = async (): Promise<SessionStore> => {
  const other = tier({ cache: memoryStore() })
  await textOf(other)
  return other
}

beforeEach(() => {
  now = 1_800_000_000_000
  origin = heldStore()
  cache = heldStore()
  errors = []
  tiered = tier()
})

describe('reads', () => {
  test('come from the cache after the first read: the whole record, with subject and expiry', async () => {
    const stored = record('one', 7, { subject: 'ann' })
    await origin.create(key, stored, now)
    expect(await tiered.read(key, now)).toEqual(stored)
    const asked = origin.called('read')
    expect(await tiered.read(key, now)).toEqual(stored)
    expect(origin.called('read')).toBe(asked)
  })

  test('go to the origin if they must be fresh, whatever the cache has', async () => {
    await tiered.create(key, record('one'), now)
    await origin.replace(key, asExpected(record('one')), record('two', 2), now)
    expect(await textOf(tiered)).toBe('one')
    expect(Buffer.from((await tiered.read(key, now, { fresh: true }))!.payload).toString()).toBe('two')
  })

  test('that find no record are not cached', async () => {
    expect(await tiered.read(key, now)).toBeUndefined()
    await origin.create(key, record('one'), now)
    expect(await textOf(tiered)).toBe('one')
  })

  test('are stale by at most staleMs', async () => {
    await tiered.create(key, record('one'), now)
    await origin.replace(key, asExpected(record('one')), record('two', 2), now)
    expect(await textOf(tiered, now + STALE - 1)).toBe('one')
    expect(await textOf(tiered, now + STALE)).toBe('two')
  })

  test('never return a record after its expiry', async () => {
    await tiered.create(key, record('one', 1, { expiresAt: now + 5 }), now)
    expect([await textOf(tiered, now + 4), await textOf(tiered, now + 5)]).toEqual(['one', undefined])
  })

  test('of damaged entries go to the origin', async () => {
    await tiered.create(key, record('one'), now)
    const entry = await cache.read(key, now)
    await cache.replace(key, entry!, { ...entry!, revision: 2, payload: new Uint8Array(18).fill(255) }, now)
    expect(await textOf(tiered)).toBe('one')
  })
})

describe('writes', () => {
  test('update the cache, with one call if the record was read from it', async () => {
    await tiered.create(key, record('one'), now)
    const read = await tiered.read(key, now)
    const before = cache.calls.length
    expect(await tiered.replace(key, read!, record('two', 2), now)).toBe('replaced')
    expect(cache.calls.slice(before).map(({ step }) => step.method)).toEqual(['replace'])
    expect(await textOf(tiered)).toBe('two')
    expect(origin.called('read')).toBe(0)
  })

  test('of a touch move the expiry in the cache and in the origin', async () => {
    await tiered.create(key, record('one'), now)
    await tiered.touch(key, (await tiered.read(key, now))!, now + 3_600_000, now)
    expect((await tiered.read(key, now))!.expiresAt).toBe(now + 3_600_000)
  })

  test('that lose against another write leave the winner’s record in the cache; the next successful write updates the cache', async () => {
    await tiered.create(key, record('one'), now)
    const stale = await tiered.read(key, now)
    await origin.replace(key, asExpected(record('one')), record('theirs', 2), now)
    expect(await tiered.replace(key, stale!, record('mine', 2), now)).toBe('conflict')
    const fresh = await tiered.read(key, now, { fresh: true })
    expect(await tiered.replace(key, fresh!, record('both', 3), now)).toBe('replaced')
    expect(await textOf(tiered)).toBe('both')
  })

  test('that find no record put a tombstone into the cache', async () => {
    await tiered.create(key, record('one'), now)
    const read = await tiered.read(key, now)
    await origin.delete(key, now)
    expect(await tiered.replace(key, read!, record('two', 2), now)).toBe('missing')
    expect(await textOf(tiered)).toBeUndefined()
  })

  test('whose answer is lost put a tombstone into the cache too, so that the origin is asked for the outcome', async () => {
    await tiered.create(key, record('one'), now)
    const read = await tiered.read(key, now)
    origin.hold('replace')
    const replaced = tiered.replace(key, read!, record('two', 2), now)
    await origin.pending(1)
    origin.failAfter()
    await expect(replaced).rejects.toThrow()
    expect(await textOf(tiered)).toBe('two')
  })

  test('too large for the cache are kept in the origin alone', async () => {
    cache = heldStore({ traits: { maxPayloadBytes: 100 } })
    tiered = tier()
    await tiered.create(key, record('one'), now)
    expect(await tiered.replace(key, asExpected(record('one')), record('x'.repeat(200), 2), now)).toBe('replaced')
    expect(await textOf(tiered)).toBe('x'.repeat(200))
    expect(errors).toEqual([])
  })
})

describe('a logout is final', () => {
  test('at once, for all processes that share the cache', async () => {
    await tiered.create(key, record('one'), now)
    const other = tier()
    expect(await textOf(other)).toBe('one')
    expect([await tiered.delete(key, now), await textOf(other)]).toEqual([true, undefined])
  })

  test('against a cache fill that was under way', async () => {
    await origin.create(key, record('one'), now)
    cache.hold('create')
    expect(await textOf(tiered)).toBe('one')
    const [fill] = await cache.pending(1)
    const deleted = tiered.delete(key, now)
    await cache.pending(2)
    cache.release(1)
    await deleted
    cache.release(fill)
    cache.flow()
    expect(await textOf(tiered)).toBeUndefined()
  })

  test('against a cache fill that arrives after the tombstone has expired', async () => {
    await origin.create(key, record('one'), now)
    cache.hold('create')
    expect(await textOf(tiered)).toBe('one')
    const [fill] = await cache.pending(1)
    await origin.delete(key, now)
    cache.release(fill)
    cache.flow()
    expect(await textOf(tiered, now + STALE)).toBeUndefined()
  })

  test.each([
    ['a replace', () => record('two', 2)],
    ['another replace of the same revision', () => record('other', 2)],
  ])('against %s whose entry arrives after it', async (_, next) => {
    await tiered.create(key, record('one'), now)
    const read = await tiered.read(key, now)
    cache.hold('replace')
    const replaced = tiered.replace(key, read!, next(), now)
    const [entry] = await cache.pending(1)
    const deleted = tiered.delete(key, now)
    await cache.pending(2)
    cache.release(1)
    await deleted
    cache.release(entry)
    cache.flow()
    await replaced
    expect(await textOf(tiered)).toBeUndefined()
  })

  test('within staleMs if a cache was unreachable, or belongs to another process', async () => {
    await tiered.create(key, record('one'), now)
    const other = await neighbour()
    cache.hold()
    const deleted = tiered.delete(key, now)
    await cache.pending(1)
    cache.failBefore(0, down)
    expect(await deleted).toBe(true)
    cache.flow()
    expect([await textOf(tiered, now + STALE - 1), await textOf(other, now + STALE - 1)]).toEqual(['one', 'one'])
    expect([await textOf(tiered, now + STALE), await textOf(other, now + STALE)]).toEqual([undefined, undefined])
    expect(errors).toEqual([down])
  })

  test('for every session of a subject except the spared session', async () => {
    const subject = { id: 'ann', tag: key.tag }
    const spared = { ...key, id: 'c'.repeat(16) }
    await tiered.create(key, record('one', 1, { subject: 'ann' }), now)
    await tiered.create(spared, record('here', 1, { subject: 'ann' }), now)
    expect(await sum(tiered.deleteSubject!(subject, now, spared))).toBe(1)
    expect([await textOf(tiered), await tiered.read(spared, now)]).toEqual([undefined, expect.anything()])
  })
})

describe('the order of entries', () => {
  test('for the sessions that a revocation ended before it failed', async () => {
    const keys = Array.from({ length: 3 }, (_, i) => ({ tag: key.tag, id: `${i}`.repeat(16) }))
    for (const each of keys) await tiered.create(each, record('one', 1, { subject: 'ann' }), now)
    const store = tier({
      origin: {
        ...origin,
        list: (...args) => origin.list!(...args),
        async *deleteSubject() {
          yield Number(await origin.delete(keys[0]!, now))
          throw down
        },
      },
    })
    await expect(sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now))).rejects.toBe(down)
    const read = await Promise.all(keys.map((each) => store.read(each, now)))
    expect(read.map((found) => found !== undefined)).toEqual([false, true, true])
  })

  test('within staleMs if the origin cannot list the sessions that it ended', async () => {
    const store = tier({ origin: { ...origin, list: undefined } as unknown as SessionStore })
    await store.create(key, record('one', 1, { subject: 'ann' }), now)
    expect(await sum(store.deleteSubject!({ id: 'ann', tag: key.tag }, now))).toBe(1)
    expect(await textOf(store, now + STALE - 1)).toBe('one')
    expect(await textOf(store, now + STALE)).toBeUndefined()
  })

  test('for ten thousand sessions, in steps', async () => {
    const ann = { id: 'ann', tag: key.tag }
    for (let i = 0; i < 10_000; i++) {
      const each = { tag: key.tag, id: String(i).padStart(16, '0') }
      await origin.create(each, record('one', 1, { subject: 'ann' }), now)
    }
    const listed: number[] = []
    const store = tier({
      origin: {
        ...origin,
        deleteSubject: (...args) => origin.deleteSubject!(...args),
        async *list(...args) {
          for await (const entry of origin.list!(...args)) {
            listed[listed.length - 1]!++
            yield entry
          }
        },
      },
    })
    const pages = store.deleteSubject!(ann, now)[Symbol.asyncIterator]()
    let ended = 0
    for (;;) {
      listed.push(0)
      const { done, value } = await pages.next()
      if (done) break
      ended += value!
    }
    expect([ended, Math.max(...listed)]).toEqual([10_000, 100])
  })

  test('an older revision that arrives late does not replace a newer revision', async () => {
    await tiered.create(key, record('one'), now)
    const read = await tiered.read(key, now)
    cache.hold('replace')
    const second = tiered.replace(key, read!, record('two', 2), now)
    const [late] = await cache.pending(1)
    const third = tiered.replace(key, asExpected(record('two', 2)), record('three', 3), now)
    await cache.pending(2)
    cache.release(1)
    await third
    cache.release(late)
    cache.flow()
    await second
    expect(await textOf(tiered)).toBe('three')
  })
})

describe('a damaged cache entry', () => {
  const handle = key.tag + key.id

  test('counts as missing, wherever its bytes are changed or cut: the origin is asked, and the session goes on', async () => {
    const stored = record('one', 1, { subject: 'ann' })
    await tiered.create(key, stored, now)
    const entry = cache.records.get(handle)!
    for (let at = 0; at < entry.payload.length; at++) {
      const flipped = Uint8Array.from(entry.payload, (byte, i) => (i === at ? byte ^ 0x41 : byte))
      for (const payload of [flipped, entry.payload.slice(0, at)]) {
        cache.records.set(handle, { ...entry, payload })
        expect(await tiered.read(key, now)).toEqual(stored)
      }
    }
  })

  test('does not survive a logout or hinder writes', async () => {
    const stored = record('one')
    await tiered.create(key, stored, now)
    const entry = cache.records.get(handle)!
    cache.records.set(handle, { ...entry, payload: entry.payload.slice(0, -1) })
    expect(await tiered.replace(key, asExpected(stored), record('two', 2), now)).toBe('replaced')
    expect(await textOf(tiered)).toBe('two')
    await tiered.delete(key, now)
    expect(await textOf(tiered)).toBeUndefined()
  })

  test.each([Number.NaN, 0, 2 ** 53, 1e300])('whose revision is %d is replaced', async (revision) => {
    await tiered.create(key, record('one'), now)
    cache.records.set(handle, { ...cache.records.get(handle)!, revision })
    expect(await textOf(tiered)).toBe('one')
    await Promise.resolve()
    const asked = origin.called('read')
    expect(await textOf(tiered)).toBe('one')
    expect(origin.called('read')).toBe(asked)
    expect(errors).toEqual([])
  })
})

describe('a cache that is unreachable', () => {
  test('only costs speed, and calls onCacheError', async () => {
    const gone = memoryStore()
    await gone.close!()
    tiered = tier({ cache: gone })
    expect(await tiered.create(key, record('one'), now)).toBe(true)
    expect(await textOf(tiered)).toBe('one')
    expect(await tiered.delete(key, now)).toBe(true)
    expect(errors.length).toBeGreaterThan(2)
  })

  test('is not waited for longer than cacheTimeoutMs', async () => {
    await origin.create(key, record('one'), now)
    cache.hold()
    expect(await textOf(tier({ cacheTimeoutMs: 1 }))).toBe('one')
    expect(errors).toMatchObject([{ code: 'store_unavailable' }])
  })

  test('does not hide an origin that is unreachable', async () => {
    origin.hold('read')
    const read = tiered.read(key, now)
    await origin.pending(1)
    origin.failBefore()
    await expect(read).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

test('sessions in two processes with a cache each lose no write, and end everywhere', async () => {
  const clock = (): number => now
  const [here, there] = [tiered, tier({ cache: memoryStore() })].map((store) =>
    createSessions<{ a: number; b: number }>({ store, clock }),
  ) as [
    ReturnType<typeof createSessions<{ a: number; b: number }>>,
    ReturnType<typeof createSessions<{ a: number; b: number }>>,
  ]
  const { cookieValue } = await (await here.load(undefined)).login('ann')
  await there.load(cookieValue)
  for (const [sessions, name] of [
    [here, 'a'],
    [there, 'b'],
    [here, 'b'],
  ] as const) {
    const session = await sessions.load(cookieValue)
    expect(await session.update((data) => void (data[name] = (data[name] ?? 0) + 1))).toEqual({ status: 'saved' })
  }
  expect((await here.load(cookieValue)).data).toEqual({ a: 1, b: 2 })
  await (await here.load(cookieValue)).logout()
  const late = await there.load(cookieValue)
  late.data.a = 9
  expect(await late.commit()).toEqual({ status: 'gone' })
  expect([(await here.load(cookieValue)).status, (await there.load(cookieValue)).status]).toEqual(['new', 'new'])
})

test('sweep sweeps the cache and the origin', async () => {
  await tiered.create(key, record('one', 1, { expiresAt: now + 5 }), now)
  expect([await sum(tiered.sweep!(now + 5 + GRACE_MS)), origin.records.size, cache.records.size]).toEqual([2, 0, 0])
})

test.each<[string, Partial<TieredStoreOptions>]>([
  ['cache', { cache: {} as SessionStore }],
  ['origin', { origin: {} as SessionStore }],
  ['staleMs', { staleMs: 0 }],
  ['staleMs', { staleMs: 60_001 }],
  ['cacheTimeoutMs', { cacheTimeoutMs: 0 }],
  ['onCacheError', { onCacheError: 'log' as unknown as () => void }],
  ['ttl', { ttl: 5 } as object],
])('a bad %s is refused by name', (name, options) => {
  expect(() => tier(options)).toThrow(
    expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(`^${name} `) }),
  )
})

test('a store cannot be its own cache', () => {
  expect(() => tieredStore(undefined as unknown as TieredStoreOptions)).toThrow(
    /^options are needed, as in tieredStore/,
  )
  expect(() => tieredStore({ cache: origin, origin })).toThrow(/^cache must be another store/)
})

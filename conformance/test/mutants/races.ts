import { memoryStore, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { asExpected, GRACE_MS, type ExpectedRecord } from '@sess/core/adapter'
import { changed, clients, from, store, tick, type StoreMutant } from './mutant.ts'

/** What a sweep has to take, found record by record. */
async function endedIn(it: SessionStore, now: number): Promise<SessionKey[]> {
  const keys: SessionKey[] = []
  for await (const [key, { expiresAt }] of it.all!(0))
    if (expiresAt + GRACE_MS <= Math.min(now, Date.now())) keys.push(key)
  return keys
}

/** Stores that lose writes, or bring back what was deleted. */
export const races: readonly StoreMutant[] = [
  store(
    'replace overwrites blindly',
    ['races/stale-replace', 'round-trip/replace-conflict', 'races/increments', 'rotation-login/parallel-rotations'],
    (it) => ({
      async replace(key, _expected, record, now) {
        for (;;) {
          const live = await it.read(key, now)
          const answer = live ? await it.replace(key, live, record, now) : 'missing'
          if (answer !== 'conflict') return answer
        }
      },
    }),
  ),
  store(
    'replace creates what is missing',
    ['races/replace-never-creates', 'races/told-of-logout', 'round-trip/missing', 'races/late-replace'],
    (it) => ({
      async replace(key, expected, record, now) {
        const answer = await it.replace(key, expected, record, now)
        if (answer !== 'missing') return answer
        await it.create(key, record, now)
        return 'replaced'
      },
    }),
  ),
  store(
    'touch creates what is missing',
    ['races/replace-never-creates', 'races/late-touch', 'round-trip/missing'],
    (it) => ({
      async touch(key, expected, expiresAt, now) {
        const answer = await it.touch(key, expected, expiresAt, now)
        if (answer !== 'missing') return answer
        await it.create(key, { ...expected, expiresAt }, now)
        return 'touched'
      },
    }),
  ),
  store(
    'replace checks, waits, and then acts',
    ['races/two-replaces', 'races/increments', 'races/many-updates', 'races/history-of-clients'],
    (it) => ({
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        if (!live) return 'missing'
        if (live.revision !== expected.revision) return 'conflict'
        await tick()
        return it.replace(key, (await it.read(key, now)) ?? live, record, now)
      },
    }),
  ),
  store(
    'a delete between the check of a replace and its write is undone',
    ['races/delete-meets-replace', 'subjects/revoke-meets-replace'],
    (it) => ({
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        if (!live) return 'missing'
        if (live.revision !== expected.revision) return 'conflict'
        await tick()
        if ((await it.replace(key, live, record, now)) === 'missing') await it.create(key, record, now)
        return 'replaced'
      },
    }),
  ),
  store(
    'a touch reads the record, waits, and writes it back',
    ['races/replace-meets-touch', 'races/delete-meets-touch'],
    (it) => ({
      async touch(key, expected, expiresAt, now) {
        const live = await it.read(key, now)
        if (!live) return 'missing'
        if (live.revision !== expected.revision) return 'conflict'
        await tick()
        await it.delete(key, now)
        await it.create(key, { ...live, expiresAt: Math.max(expiresAt, live.expiresAt) }, now)
        return 'touched'
      },
    }),
  ),
  store('create overwrites', ['identity/create-is-exclusive', 'round-trip/model'], (it) => ({
    async create(key, record, now) {
      await it.delete(key, now)
      return it.create(key, record, now)
    },
  })),
  store('create looks, waits, and then writes', ['identity/racing-creates'], (it) => ({
    async create(key, record, now) {
      if (await it.read(key, now)) return false
      await tick()
      await it.delete(key, now)
      return it.create(key, record, now)
    },
  })),
  store('create says before it has written', ['races/delete-meets-create', 'round-trip/every-byte'], (it) => ({
    async create(key, record, now) {
      if (await it.read(key, now)) return false
      setImmediate(() => void it.create(key, record, now).catch(() => {}))
      return true
    },
  })),
  store('delete says before it has deleted', ['round-trip/delete', 'races/late-replace'], (it) => ({
    async delete(key, now) {
      const there = await it.read(key, now)
      setImmediate(() => void it.delete(key, now).catch(() => {}))
      return there !== undefined
    },
  })),
  store('delete compares, and leaves what was changed meanwhile', ['races/delete-meets-replace'], (it) => ({
    async delete(key, now) {
      const there = await it.read(key, now)
      await tick()
      const after = await it.read(key, now)
      return after?.revision === there?.revision ? it.delete(key, now) : true
    },
  })),
  store(
    'touch changes the revision',
    ['races/touch-is-no-conflict', 'round-trip/touch', 'races/replace-meets-touch'],
    (it) => ({
      async touch(key, expected, expiresAt, now) {
        const answer = await it.touch(key, expected, expiresAt, now)
        const live = await it.read(key, now)
        if (live) await it.replace(key, live, { ...live, revision: live.revision + 1 }, now)
        return answer
      },
    }),
  ),
  store(
    'touch does not look at the revision',
    ['round-trip/touch-conflict', 'races/stale-replace', 'clock/model'],
    (it) => ({
      async touch(key, _, expiresAt, now) {
        const live = await it.read(key, now)
        return live ? it.touch(key, live, expiresAt, now) : 'missing'
      },
    }),
  ),
  store('a replace compares the expiry too', ['races/touch-is-no-conflict', 'races/replace-meets-touch'], (it) => ({
    async replace(key, expected, record, now) {
      const live = await it.read(key, now)
      return live && live.expiresAt !== expected.expiresAt ? 'conflict' : it.replace(key, expected, record, now)
    },
  })),
  from(
    'a counter is read by `readUInt32BE`: who replaces a session four billion times?',
    store('a revision has 32 bits', ['round-trip/large-revision'], (it) => ({
      async read(key, now) {
        const record = await it.read(key, now)
        return record && asExpected({ ...record, revision: record.revision % 2 ** 32 })
      },
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        const isSame = live && live.revision % 2 ** 32 === expected.revision % 2 ** 32
        return it.replace(key, isSame ? live : expected, record, now)
      },
    })),
  ),
  store(
    'a replace with an older revision than is there is taken',
    ['round-trip/replace-conflict', 'races/stale-replace'],
    (it) => ({
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        return it.replace(key, live && expected.revision < live.revision ? live : expected, record, now)
      },
    }),
  ),
  clients('each client caches what it has read', ['subjects/seen-within-the-bound'], (it) => {
    const cache = new Map<string, ExpectedRecord>()
    return {
      async read(key, now) {
        const cached = cache.get(key.tag + key.id)
        if (cached && now < cached.expiresAt) return cached
        const record = await it.read(key, now)
        if (record) cache.set(key.tag + key.id, record)
        return record
      },
      async replace(key, expected, record, now) {
        cache.delete(key.tag + key.id)
        return it.replace(key, expected, record, now)
      },
      async touch(key, expected, expiresAt, now) {
        cache.delete(key.tag + key.id)
        return it.touch(key, expected, expiresAt, now)
      },
      async delete(key, now) {
        cache.delete(key.tag + key.id)
        return it.delete(key, now)
      },
    }
  }),
  clients('each client caches for ten seconds, and does not say so', ['subjects/seen-within-the-bound'], (it) => {
    const cache = new Map<string, readonly [ExpectedRecord | undefined, number]>()
    return {
      async read(key, now, options) {
        const [record, until] = cache.get(key.id) ?? [undefined, 0]
        if (!options?.fresh && now < until) return record
        const read = await it.read(key, now)
        cache.set(key.id, [read, now + 10_000])
        return read
      },
    }
  }),
  from(
    'SELECT what has ended, then delete each by its key',
    store(
      'a sweep collects, and then deletes one after the other',
      ['races/sweep-meets-touch', 'races/sweep-meets-replace'],
      (it) => ({
        async *sweep(now) {
          const ended = await endedIn(it, now)
          for (const key of ended) {
            await tick()
            await it.delete(key, now)
          }
          yield ended.length
        },
      }),
    ),
  ),
  from(
    'what was found is counted, and not what the deletion says that went',
    store('parallel sweeps count a record twice', ['races/parallel-sweeps'], (it) => ({
      async *sweep(now) {
        const ended = await endedIn(it, now)
        for (const key of ended) {
          await tick()
          // Only what is still as it was found.
          const record = await it.read(key, 0)
          if (record && record.expiresAt + GRACE_MS <= now) await it.delete(key, now)
        }
        yield ended.length
      },
    })),
  ),
  store(
    'a revocation leaves what was written while it went on',
    ['subjects/revoke-meets-replace', 'subjects/history-of-revocation'],
    (it) => ({
      async *deleteSubject(subject, now, except) {
        const found: (readonly [SessionKey, SessionRecord])[] = []
        for await (const entry of it.list!(subject, now)) found.push(entry)
        await tick()
        let count = 0
        for (const [key, { revision }] of found)
          if (key.id !== except?.id && (await it.read(key, now))?.revision === revision && (await it.delete(key, now)))
            count++
        yield count
      },
    }),
  ),
  store(
    'a create is in the index only after a while',
    ['subjects/revoke-meets-create', 'subjects/list', 'rotation-login/revocation-against-login'],
    (it) => {
      const late = new Set<string>()
      return {
        async create(key, record, now) {
          const created = await it.create(key, record, now)
          if (created && record.subject !== undefined) {
            late.add(key.id)
            setTimeout(() => late.delete(key.id), 20).unref()
          }
          return created
        },
        async *list(subject, now) {
          for await (const entry of it.list!(subject, now)) if (!late.has(entry[0].id)) yield entry
        },
        async *deleteSubject(subject, now, except) {
          for await (const [key] of it.list!(subject, now))
            if (key.id !== except?.id && !late.has(key.id)) yield Number(await it.delete(key, now))
        },
      }
    },
  ),
  {
    name: 'a client keeps a create back, and sends it with the next one',
    habit: 'writes are collected, to send several in one request',
    killedBy: ['races/delete-meets-replace', 'races/disjoint-keys', 'subjects/list-by-another-client'],
    open: async () => {
      const shared = memoryStore()
      const collecting = (): SessionStore => {
        const own = memoryStore()
        let kept: (() => Promise<boolean>) | undefined
        return changed(shared, (it) => ({
          async create(key, record, now) {
            const before = kept
            kept = () => it.create(key, record, now)
            await before?.()
            return (await it.read(key, now)) ? false : own.create(key, record, now)
          },
          async read(key, now) {
            return (await it.read(key, now)) ?? own.read(key, now)
          },
        }))
      }
      return { store: collecting(), connect: async () => collecting(), close: async () => shared.close?.() }
    },
  },
]

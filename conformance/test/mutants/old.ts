import { memoryStore, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'

/** A store with one fault, and the cases that must catch it. */
export interface Mutant {
  readonly name: string
  readonly killedBy: readonly string[]
  readonly make: () => SessionStore
}

/** The memory store with some of its methods in another's hands. */
function broken(change: (store: SessionStore) => Partial<SessionStore>): () => SessionStore {
  return () => {
    const store = memoryStore()
    const own = change(store)
    return new Proxy(store, {
      get(target, name: keyof SessionStore) {
        const value: unknown = name in own ? own[name] : target[name]
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
      has: (target, name) => name in own || name in target,
    })
  }
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Deliberately broken stores: the proof that the cases can fail. */
export const mutants: readonly Mutant[] = [
  {
    name: 'replace overwrites blindly',
    killedBy: ['races/stale-replace', 'round-trip/replace-conflict'],
    make: broken((it) => ({
      async replace(key, record, _expected, now) {
        const live = await it.read(key, now)
        return live ? it.replace(key, record, live, now) : 'missing'
      },
    })),
  },
  {
    name: 'replace creates what is missing',
    killedBy: ['races/replace-never-creates', 'races/logout-wins', 'round-trip/missing'],
    make: broken((it) => ({
      async replace(key, record, expected, now) {
        const answer = await it.replace(key, record, expected, now)
        if (answer !== 'missing') return answer
        await it.create(key, record, now)
        return 'replaced'
      },
    })),
  },
  {
    name: 'replace checks, waits, and then acts',
    killedBy: ['races/two-replaces', 'races/increments', 'races/updates'],
    make: broken((it) => ({
      async replace(key, record, expected, now) {
        const live = await it.read(key, now)
        if (!live) return 'missing'
        if (live.revision !== expected.revision) return 'conflict'
        await tick()
        return it.replace(key, record, (await it.read(key, now)) ?? live, now)
      },
    })),
  },
  {
    name: 'create overwrites',
    killedBy: ['identity/create-is-exclusive'],
    make: broken((it) => ({
      async create(key, record, now) {
        await it.delete(key, now)
        return it.create(key, record, now)
      },
    })),
  },
  {
    name: 'touch changes the revision',
    killedBy: ['races/touch-is-no-conflict', 'round-trip/touch'],
    make: broken((it) => ({
      async touch(key, expiresAt, expected, now) {
        const answer = await it.touch(key, expiresAt, expected, now)
        const live = await it.read(key, now)
        if (live) await it.replace(key, { ...live, revision: live.revision + 1 }, live, now)
        return answer
      },
    })),
  },
  {
    name: 'touch moves the clock back',
    killedBy: ['clock/touch-never-back'],
    make: broken((it) => ({
      async touch(key, expiresAt, expected, now) {
        const live = await it.read(key, now)
        if (live?.revision === expected.revision) await it.replace(key, { ...live, expiresAt }, live, now)
        return it.touch(key, expiresAt, expected, now)
      },
    })),
  },
  {
    name: 'expiry is ignored',
    killedBy: ['clock/readable-to-the-end', 'clock/expired-is-missing', 'clock/short-life', 'clock/long-lives'],
    make: broken((it) => ({
      read: (key) => it.read(key, 0),
      replace: (key, record, expected) => it.replace(key, record, expected, 0),
    })),
  },
  {
    name: 'expiry is kept in whole minutes, rounded up',
    killedBy: ['clock/readable-to-the-end', 'clock/short-life', 'round-trip/every-byte'],
    make: broken((it) => ({
      create: (key, record, now) =>
        it.create(key, { ...record, expiresAt: Math.ceil((record.expiresAt + 1) / 60_000) * 60_000 }, now),
    })),
  },
  {
    name: 'expiry is cut to 31 bits of seconds',
    killedBy: ['clock/long-lives'],
    make: broken((it) => ({
      create: (key, record, now) =>
        it.create(key, { ...record, expiresAt: Math.min(record.expiresAt, 2 ** 31 * 1000) }, now),
    })),
  },
  {
    name: 'the payload is text',
    killedBy: ['round-trip/every-byte', 'round-trip/largest-payload'],
    make: broken((it) => ({
      create: (key, record, now) =>
        it.create(key, { ...record, payload: Buffer.from(Buffer.from(record.payload).toString()) }, now),
    })),
  },
  {
    name: 'what it gives out is what it keeps',
    killedBy: ['round-trip/no-alias-out'],
    make: () => {
      const held = new Map<string, SessionRecord>()
      return broken((it) => ({
        async read(key: SessionKey, now: number) {
          const record = await it.read(key, now)
          const before = held.get(key.id)
          if (!record || before?.revision === record.revision) return record && before
          held.set(key.id, record)
          return record
        },
      }))()
    },
  },
  {
    name: 'what is too large is cut',
    killedBy: ['round-trip/too-large'],
    make: broken((it) => ({
      create: (key, record, now) =>
        it.create(key, { ...record, payload: record.payload.slice(0, it.traits.maxPayloadBytes) }, now),
    })),
  },
  {
    name: 'the tag is no part of the key',
    killedBy: ['identity/both-parts'],
    make: broken((it) => {
      const at = (key: SessionKey): SessionKey => ({ ...key, tag: 'a'.repeat(12) })
      return {
        read: (key, now) => it.read(at(key), now),
        create: (key, record, now) => it.create(at(key), record, now),
      }
    }),
  },
  {
    name: 'case is folded',
    killedBy: ['identity/case-matters'],
    make: broken((it) => {
      const at = ({ tag, id }: SessionKey): SessionKey => ({ tag: tag.toLowerCase(), id: id.toLowerCase() })
      return {
        read: (key, now) => it.read(at(key), now),
        create: (key, record, now) => it.create(at(key), record, now),
      }
    }),
  },
  {
    name: 'revocation forgets the one to spare',
    killedBy: ['subjects/revoke-except', 'rotation-login/revoke-subject'],
    make: broken((it) => ({ deleteSubject: (subject, now) => it.deleteSubject!(subject, now) })),
  },
  {
    name: 'a list stops after a hundred',
    killedBy: ['subjects/many'],
    make: broken((it) => ({
      async *list(subject, now) {
        let left = 100
        for await (const entry of it.list!(subject, now)) if (left-- > 0) yield entry
      },
    })),
  },
  {
    name: 'lists and revocations match the tag alone',
    killedBy: ['subjects/one-tag-two-subjects', 'subjects/any-characters'],
    make: () => {
      const subjects = new Set<string>()
      return broken((it) => ({
        create(key, record, now) {
          if (record.subject !== undefined) subjects.add(record.subject)
          return it.create(key, record, now)
        },
        async *list({ tag }, now) {
          for (const id of subjects) yield* it.list!({ id, tag }, now)
        },
        async deleteSubject({ tag }, now, except) {
          let count = 0
          for (const id of subjects) count += (await it.deleteSubject!({ id, tag }, now, except))!
          return count
        },
      }))()
    },
  },
  {
    name: 'a subject ends at its first NUL',
    killedBy: ['subjects/any-characters'],
    make: broken((it) => ({
      create: (key, record, now) =>
        it.create(
          key,
          record.subject === undefined ? record : { ...record, subject: record.subject.split('\0')[0]! },
          now,
        ),
    })),
  },
  {
    name: 'sweep takes live records too',
    killedBy: ['clock/sweep-takes-expired-alone', 'races/parallel-sweeps'],
    make: broken((it) => ({ sweep: (now, limit) => it.sweep!(now + 3_600_000, limit) })),
  },
  {
    name: 'an outage is a missing record',
    killedBy: ['life-cycle/close'],
    make: broken((it) => ({ read: (key, now) => it.read(key, now).catch(() => undefined) })),
  },
  {
    name: 'it can list, and does not say so',
    killedBy: ['life-cycle/traits', 'subjects/list'],
    make: broken((it) => ({ traits: Object.freeze({ ...it.traits, subjects: 'none' as const }) })),
  },
]

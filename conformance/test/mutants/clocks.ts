import type { SessionKey, SessionRecord } from '@sess/core'
import type { SessionStore } from '@sess/core/adapter'
import { from, store, type StoreMutant } from './mutant.ts'

const withExpiry = (record: SessionRecord, change: (expiresAt: number) => number): SessionRecord => ({
  ...record,
  expiresAt: change(record.expiresAt),
})

/** A life that nobody sees the end of, in ms. */
const NEVER = 10 * 366 * 86_400_000

/** Stores that keep another time than they are told. */
export const clocks: readonly StoreMutant[] = [
  store(
    'expiry is ignored',
    ['clock/readable-to-the-end', 'clock/expired-is-missing', 'clock/short-life', 'clock/long-lives'],
    (it) => ({
      read: (key) => it.read(key, 0),
      replace: (key, expected, record) => it.replace(key, expected, record, 0),
    }),
  ),
  store('seconds are taken for milliseconds', ['clock/readable-to-the-end', 'clock/model'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => now + (at - now) / 1000),
        now,
      ),
  })),
  store('milliseconds are taken for seconds', ['clock/readable-to-the-end', 'clock/idle-ends'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => now + (at - now) * 1000),
        now,
      ),
  })),
  store('a record lives one millisecond longer than it says', ['clock/readable-to-the-end', 'clock/model'], (it) => ({
    read: (key, now) => it.read(key, now - 1),
  })),
  store(
    'a record dies one millisecond before its end',
    ['clock/to-the-millisecond', 'clock/readable-to-the-end'],
    (it) => ({
      read: (key, now) => it.read(key, now + 1),
    }),
  ),
  store('expiry is rounded up to a second', ['clock/rounding'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => Math.ceil(at / 1000) * 1000),
        now,
      ),
    replace: (key, expected, record, now) =>
      it.replace(
        key,
        expected,
        withExpiry(record, (at) => Math.ceil(at / 1000) * 1000),
        now,
      ),
  })),
  store(
    'expiry is rounded down to a second, and not claimed so',
    ['clock/rounding', 'round-trip/every-byte'],
    (it) => ({
      create: (key, record, now) =>
        it.create(
          key,
          withExpiry(record, (at) => Math.floor(at / 1000) * 1000),
          now,
        ),
      replace: (key, expected, record, now) =>
        it.replace(
          key,
          expected,
          withExpiry(record, (at) => Math.floor(at / 1000) * 1000),
          now,
        ),
    }),
  ),
  store('a coarse clock is claimed, and expiry is exact', ['clock/resolution-claimed'], (it) => ({
    traits: Object.freeze({ ...it.traits, expiryResolutionMs: 1000 }),
  })),
  store('expiry is kept in whole minutes, rounded up', ['clock/readable-to-the-end', 'clock/short-life'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => Math.ceil((at + 1) / 60_000) * 60_000),
        now,
      ),
  })),
  from(
    'a TTL in whole minutes, by `Math.floor`',
    store('expiry is kept in whole minutes of life, rounded down', ['clock/short-life'], (it) => ({
      create: (key, record, now) =>
        it.create(
          key,
          withExpiry(record, (at) => now + Math.floor((at - now) / 60_000) * 60_000),
          now,
        ),
    })),
  ),
  store('expiry is cut to 31 bits of seconds', ['clock/long-lives'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => Math.min(at, 2 ** 31 * 1000)),
        now,
      ),
  })),
  store('thirty days are the longest life', ['clock/long-lives'], (it) => ({
    create: (key, record, now) =>
      it.create(
        key,
        withExpiry(record, (at) => Math.min(at, now + 30 * 86_400_000)),
        now,
      ),
  })),
  store('reading extends a life', ['clock/read-is-no-touch', 'clock/readable-to-the-end', 'clock/model'], (it) => ({
    async read(key, now) {
      const record = await it.read(key, now)
      if (record) await it.touch(key, record, now + 60_000, now)
      return record
    },
  })),
  store('touch moves the clock back', ['clock/touch-never-back', 'clock/model'], (it) => ({
    async touch(key, expected, expiresAt, now) {
      const live = await it.read(key, now)
      if (live?.revision === expected.revision) await it.replace(key, live, { ...live, expiresAt }, now)
      return it.touch(key, expected, expiresAt, now)
    },
  })),
  store(
    'touch only says that it has',
    ['clock/touch-lengthens', 'clock/sweep-spares-touched', 'round-trip/touch', 'races/sweep-meets-touch'],
    (it) => ({
      async touch(key, expected, _, now) {
        return it.touch(key, expected, 0, now)
      },
    }),
  ),
  store(
    'replace keeps the old expiry',
    ['clock/replace-shortens', 'round-trip/replace', 'clock/writes-slide'],
    (it) => ({
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        return it.replace(key, expected, live ? { ...record, expiresAt: live.expiresAt } : record, now)
      },
    }),
  ),
  store(
    'replace only lengthens a life',
    ['clock/replace-shortens', 'clock/past-expiry', 'rotation-login/marker'],
    (it) => ({
      async replace(key, expected, record, now) {
        const live = await it.read(key, now)
        return it.replace(
          key,
          expected,
          withExpiry(record, (at) => Math.max(at, live?.expiresAt ?? 0)),
          now,
        )
      },
    }),
  ),
  from(
    '`ttl > 0 ? { EX: ttl } : {}`, since a server refuses a TTL of 0',
    store('what is past its expiry when it is written never expires', ['clock/past-expiry', 'clock/model'], (it) => ({
      create: (key, record, now) =>
        it.create(
          key,
          withExpiry(record, (at) => (at <= now ? now + NEVER : at)),
          now,
        ),
      replace: (key, expected, record, now) =>
        it.replace(
          key,
          expected,
          withExpiry(record, (at) => (at <= now ? now + NEVER : at)),
          now,
        ),
    })),
  ),
  store('an expired record blocks a create', ['clock/create-over-expired', 'clock/model'], (it) => ({
    create: (key, record) => it.create(key, record, 0),
  })),
  from(
    'the new record is spread over the old: `{ ...old, ...record }`',
    store('a create over an expired record keeps its subject', ['clock/create-over-expired'], (it) => ({
      async create(key, record, now) {
        const { subject } = (await it.read(key, 0)) ?? {}
        return it.create(key, { ...(subject !== undefined && { subject }), ...record }, now)
      },
    })),
  ),
  store('its own clock decides', ['clock/clocks-apart', 'clock/readable-to-the-end'], (it) => ({
    read: (key) => it.read(key, Date.now()),
    touch: (key, expected, expiresAt) => it.touch(key, expected, expiresAt, Date.now()),
    replace: (key, expected, record) => it.replace(key, expected, record, Date.now()),
  })),
  store('its own clock removes a record as soon as it has expired by it', ['clock/clocks-apart'], (it) => ({
    read: (key, now) => it.read(key, Math.max(now, Date.now())),
    touch: (key, expected, expiresAt, now) => it.touch(key, expected, expiresAt, Math.max(now, Date.now())),
  })),
  store('expiry is kept as local time', ['clock/time-zone'], (it) => {
    const written = new Map<string, number>()
    const shift = ({ id }: SessionKey): number =>
      (new Date().getTimezoneOffset() - (written.get(id) ?? new Date().getTimezoneOffset())) * 60_000
    return {
      create(key, record, now) {
        written.set(key.id, new Date().getTimezoneOffset())
        return it.create(key, record, now)
      },
      read: (key, now) => it.read(key, now - shift(key)),
      touch: (key, expected, expiresAt, now) => it.touch(key, expected, expiresAt - shift(key), now - shift(key)),
    }
  }),
  store('replace of an expired record brings it back', ['clock/expired-is-missing', 'clock/model'], (it) => ({
    async replace(key, expected, record, now) {
      return it.replace(key, expected, record, Math.min(now, expected.expiresAt - 1))
    },
  })),
  store('touch of an expired record brings it back', ['clock/expired-is-missing', 'clock/model'], (it) => ({
    touch: (key, expected, expiresAt, now) => it.touch(key, expected, expiresAt, Math.min(now, expected.expiresAt - 1)),
  })),
  store('deleting an expired record says that a live one went', ['clock/expired-is-missing', 'clock/model'], (it) => ({
    delete: (key) => it.delete(key, 0),
  })),
  store('expired records are listed', ['clock/expired-not-listed', 'subjects/model'], (it) => ({
    list: (subject) => it.list!(subject, 0),
  })),
  store('expired records are counted', ['clock/expired-not-counted', 'subjects/model'], (it) => ({
    count: () => it.count!(0),
  })),
  store('expired records are among those that were revoked', ['clock/expired-not-revoked', 'subjects/model'], (it) => ({
    deleteSubject: (subject, _, except) => it.deleteSubject!(subject, 0, except),
  })),
  store(
    'sweep takes live records too',
    [
      'clock/sweep-takes-expired-alone',
      'races/parallel-sweeps',
      'races/sweep-meets-touch',
      'clock/sweep-spares-touched',
    ],
    (it) => ({
      async *sweep() {
        let count = 0
        for await (const [key] of it.all!(0)) if (await it.delete(key, 0)) count++
        yield count
      },
    }),
  ),
  store(
    'sweep goes by the expiry that a record was created with',
    ['clock/sweep-spares-touched', 'races/sweep-meets-touch'],
    (it) => {
      const ends = new Map<SessionKey, number>()
      return {
        create(key, record, now) {
          ends.set(key, record.expiresAt)
          return it.create(key, record, now)
        },
        async *sweep(now) {
          let count = 0
          for (const [key, end] of ends)
            if (end + 60_000 <= now && ends.delete(key)) {
              await it.delete(key, 0)
              count++
            }
          yield count
        },
      }
    },
  ),
  store('a sweep ends with its first page', ['scale/sweep-in-batches'], (it) => ({
    async *sweep(now) {
      for await (const swept of it.sweep!(now)) {
        yield swept
        return
      }
    },
  })),
  from(
    'the query asks for one row more than a page, to see whether there is another, and that row is dropped at the end as well',
    store(
      'a sweep leaves the last record behind',
      ['clock/sweep-takes-expired-alone', 'scale/sweep-in-batches'],
      (it) =>
        sweeping(
          it,
          (end, now) => end + 60_000 <= now,
          (due) => due.slice(0, -1),
        ),
    ),
  ),
  store(
    'a sweep takes what has just ended',
    ['clock/sweep-takes-expired-alone', 'clock/sweep-by-both-clocks', 'subjects/model'],
    (it) => sweeping(it, (end, now) => end <= Math.min(now, Date.now())),
  ),
  store('a sweep goes by core’s clock alone', ['clock/sweep-by-both-clocks'], (it) =>
    sweeping(it, (end, now) => end + 60_000 <= now),
  ),
  store('a sweep goes by the store’s clock alone', ['clock/sweep-takes-expired-alone'], (it) =>
    sweeping(it, (end) => end + 60_000 <= Date.now()),
  ),
]

/** A sweep that takes what is due by another rule, or some of that. */
function sweeping(
  it: SessionStore,
  isDue: (end: number, now: number) => boolean,
  some = (due: readonly SessionKey[]): readonly SessionKey[] => due,
): Pick<SessionStore, 'create' | 'sweep'> {
  const keys: SessionKey[] = []
  return {
    create(key, record, now) {
      keys.push(key)
      return it.create(key, record, now)
    },
    async *sweep(now) {
      const due: SessionKey[] = []
      for (const key of keys) {
        const record = await it.read(key, 0)
        if (record && isDue(record.expiresAt, now)) due.push(key)
      }
      const going = some(due)
      for (const key of going) await it.delete(key, 0)
      yield going.length
    },
  }
}

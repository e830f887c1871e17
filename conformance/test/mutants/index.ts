import { SessError, type AnyRecord, type SessionKey, type SessionRecord, type Subject } from '@sess/core'
import type { ExpectedRecord } from '@sess/core/adapter'
import { ByteStore } from './byte-store.ts'
import { all } from '../../src/case-parts/case.ts'
import { clients, from, store, tick, type StoreMutant } from './mutant.ts'

/** A store that keeps subjects under another name than it is given. */
const subjects = (name: string, killedBy: readonly string[], as: (subject: string) => string): StoreMutant =>
  store(name, killedBy, (it) => ({
    create: (key, record, now) =>
      it.create(key, record.subject === undefined ? record : { ...record, subject: as(record.subject) }, now),
    list: (subject, now) => it.list!({ ...subject, id: as(subject.id) }, now),
    deleteSubject: (subject, now, except) => it.deleteSubject!({ ...subject, id: as(subject.id) }, now, except),
  }))

/** The store that has an index apart, with a method of its own. */
const indexed = (name: string, killedBy: readonly string[], Broken: new () => ByteStore): StoreMutant => ({
  name,
  killedBy,
  open: async () => {
    const it = new Broken()
    return { store: it, raw: it.raw, index: it.index, connect: async () => it, close: async () => {} }
  },
})

/** Stores whose lists and revocations go by something else than what is there. */
export const index: readonly StoreMutant[] = [
  store(
    'revocation forgets the one to spare',
    ['subjects/revoke-except', 'rotation-login/revoke-subject', 'subjects/model'],
    (it) => ({
      deleteSubject: (subject, now) => it.deleteSubject!(subject, now),
    }),
  ),
  from(
    'a revocation raises its subject’s epoch, and the exception is looked at in `read` alone',
    store('what a revocation spares cannot be written any more', ['subjects/revoke-except'], (it) => {
      let epoch = 0
      const made = new Map<string, number>()
      const revoked = new Map<string, { readonly epoch: number; readonly except: string | undefined }>()
      const isRevoked = (id: string, record: AnyRecord): boolean =>
        made.get(id)! < (revoked.get(record.subject ?? '')?.epoch ?? 0)
      return {
        create(key, record, now) {
          made.set(key.id, epoch)
          return it.create(key, record, now)
        },
        async read(key, now) {
          const record = await it.read(key, now)
          if (!record || !isRevoked(key.id, record)) return record
          return revoked.get(record.subject!)!.except === key.id ? record : undefined
        },
        replace: async (key, expected, record, now) =>
          isRevoked(key.id, record) ? 'missing' : it.replace(key, expected, record, now),
        async *deleteSubject(subject, now, except) {
          let count = 0
          for await (const [key] of it.list!(subject, now)) if (key.id !== except?.id) count++
          revoked.set(subject.id, { epoch: ++epoch, except: except?.id })
          yield count
        },
      }
    }),
  ),
  store(
    'a list stops after a hundred',
    ['subjects/many', 'subjects/list-under-churn', 'scale/ten-thousand-listed'],
    (it) => ({
      async *list(subject, now) {
        let left = 100
        for await (const entry of it.list!(subject, now)) if (left-- > 0) yield entry
      },
    }),
  ),
  store('a revocation stops after a hundred', ['subjects/revoke-all', 'scale/ten-thousand-listed'], (it) => ({
    async *deleteSubject(subject, now, except) {
      let count = 0
      for await (const [key] of it.list!(subject, now))
        if (count < 100 && key.id !== except?.id && (await it.delete(key, now))) count++
      yield count
    },
  })),
  store(
    'a list goes on by position, page by page, and skips where records went',
    ['subjects/many', 'subjects/list-under-churn'],
    (it) => ({
      async *list(subject, now) {
        for (let from = 0; ; from += 50) {
          const there: (readonly [SessionKey, SessionRecord])[] = []
          for await (const entry of it.list!(subject, now)) there.push(entry)
          if (from >= there.length) return
          yield* there.slice(from, from + 50)
        }
      },
    }),
  ),
  store('a list gives a record twice', ['subjects/list', 'subjects/many', 'subjects/model'], (it) => ({
    async *list(subject, now) {
      for await (const entry of it.list!(subject, now)) yield* [entry, entry]
    },
  })),
  store('a list shows records as they were created', ['subjects/list-follows'], (it) => {
    const first = new Map<string, SessionRecord>()
    return {
      async create(key, record, now) {
        const created = await it.create(key, record, now)
        if (created) first.set(key.id, record)
        return created
      },
      async *list(subject, now) {
        for await (const [key] of it.list!(subject, now)) yield [key, first.get(key.id)!] as const
      },
    }
  }),
  clients('a list remembers what it gave before', ['subjects/list-none', 'subjects/list-by-another-client'], (it) => {
    const before = new Map<string, (readonly [SessionKey, SessionRecord])[]>()
    return {
      async *list(subject, now) {
        const name = subject.tag + subject.id
        const found = before.get(name) ?? (await all(it.list!(subject, now)))
        before.set(name, found)
        yield* found
      },
    }
  }),
  store('anonymous records under a tag are in its lists', ['subjects/list'], (it) => {
    const nobody: SessionKey[] = []
    return {
      create(key, record, now) {
        if (record.subject === undefined) nobody.push(key)
        return it.create(key, record, now)
      },
      async *list(subject, now) {
        yield* it.list!(subject, now)
        for (const key of nobody) {
          const record = key.tag === subject.tag ? await it.read(key, now) : undefined
          if (record) yield [key, { ...record }] as const
        }
      },
    }
  }),
  store(
    'lists and revocations match the tag alone',
    ['subjects/one-tag-two-subjects', 'subjects/any-characters', 'subjects/model'],
    (it) => {
      const known = new Set<string>()
      return {
        create(key, record, now) {
          if (record.subject !== undefined) known.add(record.subject)
          return it.create(key, record, now)
        },
        async *list({ tag }, now) {
          for (const id of known) yield* it.list!({ id, tag }, now)
        },
        async *deleteSubject({ tag }, now, except) {
          for (const id of known) yield* it.deleteSubject!({ id, tag }, now, except)
        },
      }
    },
  ),
  store('a revocation goes by the subject alone, under every tag', ['subjects/revoke-past-other-tags'], (it) => {
    const tags = new Set<string>()
    return {
      create(key, record, now) {
        tags.add(key.tag)
        return it.create(key, record, now)
      },
      async *deleteSubject({ id }, now, except) {
        for (const tag of tags) yield* it.deleteSubject!({ id, tag }, now, except)
      },
    }
  }),
  store(
    'a revocation also ends what begins after it',
    ['subjects/revoked-stays-dead', 'rotation-login/login-after-revocation'],
    (it) => {
      const revoked = new Set<string>()
      return {
        deleteSubject(subject, now, except) {
          revoked.add(subject.id)
          return it.deleteSubject!(subject, now, except)
        },
        async read(key, now) {
          const record = await it.read(key, now)
          return record?.subject !== undefined && revoked.has(record.subject) ? undefined : record
        },
      }
    },
  ),
  from(
    'a write is checked against the copy that the client has just read, to spare a round trip',
    store(
      'a write goes by what its client has read, and not by what is there',
      ['subjects/revoked-stays-dead'],
      (it) => {
        const copies = new Map<string, ExpectedRecord>()
        return {
          async read(key, now) {
            const record = await it.read(key, now)
            if (record) copies.set(key.id, record)
            else copies.delete(key.id)
            return record
          },
          async replace(key, expected, record, now) {
            if (copies.get(key.id)?.revision !== expected.revision) return it.replace(key, expected, record, now)
            await it.delete(key, now)
            await it.create(key, record, now)
            return 'replaced'
          },
        }
      },
    ),
  ),
  subjects('a subject ends at its first NUL', ['subjects/any-characters'], (id) => id.split('\0')[0]!),
  subjects('a subject loses its spaces', ['subjects/any-characters'], (id) => id.trim() || id),
  subjects('a subject is in lower case', ['subjects/any-characters'], (id) => id.toLowerCase()),
  subjects('a subject is normalized', ['subjects/any-characters'], (id) => id.normalize('NFC')),
  subjects('a subject ends after 255 characters', ['subjects/any-characters'], (id) => id.slice(0, 255)),
  store('a subject is a pattern', ['subjects/any-characters'], (it) => {
    const known = new Set<string>()
    return {
      create(key, record, now) {
        if (record.subject !== undefined) known.add(record.subject)
        return it.create(key, record, now)
      },
      async *list(subject, now) {
        const like = new RegExp(
          `^${subject.id
            .replace(/[^%_]/gs, String.raw`\$&`)
            .replaceAll('%', '.*')
            .replaceAll('_', '.')}$`,
          's',
        )
        for (const id of known)
          if (id === subject.id || (/[%_]/.test(subject.id) && like.test(id))) yield* it.list!({ ...subject, id }, now)
      },
    }
  }),
  store('a list of all leaves out those that belong to nobody', ['subjects/all', 'subjects/model'], (it) => ({
    async *all(now) {
      for await (const entry of it.all!(now)) if (entry[1].subject !== undefined) yield entry
    },
  })),
  store('a list of all has those that have expired', ['subjects/all', 'subjects/model'], (it) => ({
    all: () => it.all!(0),
  })),
  store('a list of all stops after a hundred', ['subjects/all'], (it) => ({
    async *all(now) {
      let left = 100
      for await (const entry of it.all!(now)) if (left-- > 0) yield entry
    },
  })),
  store('a count stops after its first page', ['scale/ten-thousand-counted'], (it) => ({
    async *count(now) {
      for await (const count of it.count!(now)) {
        yield count
        return
      }
    },
  })),
  store('a revocation stops after its first page', ['scale/ten-thousand-listed'], (it) => ({
    async *deleteSubject(subject, now, except) {
      for await (const count of it.deleteSubject!(subject, now, except)) {
        yield count
        return
      }
    },
  })),
  store('a count forgets what was deleted', ['subjects/count', 'subjects/model'], (it) => {
    let deleted = 0
    return {
      async delete(key, now) {
        const went = await it.delete(key, now)
        if (went) deleted++
        return went
      },
      async *count(now) {
        yield* it.count!(now)
        yield deleted
      },
    }
  }),
  indexed(
    'a lost index is never healed',
    ['subjects/lost-index-heals'],
    class extends ByteStore {
      #creating = false
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        this.#creating = true
        return super.create(key, record, now).finally(() => (this.#creating = false))
      }
      protected override link(entry: string, id: string): void {
        if (this.#creating) super.link(entry, id)
      }
    },
  ),
  indexed(
    'index entries are never reclaimed',
    ['subjects/index-is-reclaimed'],
    class extends ByteStore {
      protected override unlink(): void {}
    },
  ),
  indexed(
    'a create over an expired record leaves the entry of whose that was',
    ['subjects/index-after-create-over'],
    class extends ByteStore {
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        if (this.live(key, now)) return false
        this.fits(record)
        this.put(key, record)
        return true
      }
    },
  ),
  indexed(
    'a revocation leaves its entries in the index',
    ['subjects/index-is-reclaimed'],
    class extends ByteStore {
      override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
        const before = new Set(this.entries.get(this.entryOf(subject)))
        yield* super.deleteSubject(subject, now, except)
        this.entries.set(this.entryOf(subject), before)
      }
    },
  ),
  from(
    '`const [tag, subject, id] = member.split(":")`',
    indexed(
      'a separator in a subject ends it where the index is read',
      ['subjects/any-characters'],
      class extends ByteStore {
        override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
          const members = [...this.entries].flatMap(([entry, ids]) =>
            [...ids].map((id) => `${entry.replace('@', ':')}:${id}`),
          )
          for (const member of members) {
            const [tag = '', owner, id = ''] = member.split(':')
            if (tag !== subject.tag || owner !== subject.id) continue
            const record = this.live({ tag, id }, now)
            if (record) yield [{ tag, id }, record]
          }
        }
      },
    ),
  ),
  indexed(
    'an expired entry blocks its subject’s list',
    ['clock/expired-not-listed'],
    class extends ByteStore {
      override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
        for (const id of this.entries.get(this.entryOf(subject)) ?? []) {
          const key = { tag: subject.tag, id }
          const record = this.live(key, now)
          if (!record) return
          yield [key, record]
        }
      }
    },
  ),
  indexed(
    'the head of a record is read without its checksum',
    ['hostile-bytes/stored-bytes'],
    class extends ByteStore {
      protected override decode(bytes: Buffer): SessionRecord | undefined {
        if (bytes.length < 22) return undefined
        const at = 22 + bytes.readUInt16BE(20)
        const subject = bytes.toString('utf8', 22, at)
        const payload = new Uint8Array(bytes.subarray(at))
        return {
          revision: bytes.readDoubleBE(12),
          expiresAt: bytes.readDoubleBE(4),
          payload,
          ...(subject && { subject }),
        }
      }
    },
  ),
  indexed(
    'a value that is too large is an outage',
    ['hostile-bytes/larger-than-any-record'],
    class extends ByteStore {
      override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
        if (((await this.raw.read(key))?.length ?? 0) > 2 * this.traits.maxPayloadBytes)
          throw new SessError('store_unavailable', 'the value is too large')
        return super.read(key, now)
      }
    },
  ),
  from(
    'what cannot be read was read in the middle of a write, so it is read again',
    indexed(
      'damaged bytes are asked for until they are whole',
      ['hostile-bytes/stored-bytes'],
      class extends ByteStore {
        override async read(key: SessionKey, now: number): Promise<ExpectedRecord | undefined> {
          for (;;) {
            const bytes = await this.raw.read(key)
            if (!bytes || this.decode(Buffer.from(bytes))) return super.read(key, now)
            await tick()
          }
        }
      },
    ),
  ),
]

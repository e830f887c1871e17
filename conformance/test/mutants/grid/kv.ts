import type { SessionKey, SessionRecord, Subject } from '@sess/core'
import { encodeRecord, type ExpectedRecord } from '@sess/core/adapter'
import type { Versioned } from '../../wire/kv-server.ts'
import { KvStore } from '../../wire/kv-store.ts'
import type { StoreMutant } from '../mutant.ts'
import { kv } from './bases.ts'

const nameOf = ({ tag, id }: SessionKey): string => tag + id
const keyOf = (name: string): SessionKey => ({ tag: name.slice(0, 12), id: name.slice(12) })

/** A sound store with an index apart from its records: an entry is there before its record, and goes after it. */
class Indexed extends KvStore {
  override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
    if (record.subject !== undefined) await this.enter(key)
    return super.create(key, record, now)
  }

  override async delete(key: SessionKey, now: number): Promise<boolean> {
    const isDeleted = await super.delete(key, now)
    await this.leave(key)
    return isDeleted
  }

  override async *list(subject: Subject, now: number): AsyncIterable<readonly [SessionKey, SessionRecord]> {
    for await (const { key, record } of this.its(subject)) if (now < record.expiresAt) yield [key, record]
  }

  override async *deleteSubject(subject: Subject, now: number, except?: SessionKey): AsyncIterable<number> {
    for await (const { key } of this.its(subject)) if (key.id !== except?.id) yield Number(await this.delete(key, now))
  }

  protected async enter(key: SessionKey): Promise<void> {
    await this.tell('set', `!${nameOf(key)}`, new Uint8Array())
  }

  protected async leave(key: SessionKey): Promise<void> {
    await this.tell('remove', `!${nameOf(key)}`)
  }

  protected async *its(subject: Subject) {
    for (let after = ''; ;) {
      const entries = await this.ask<Versioned[]>('scan', `!${subject.tag}`, after, 50)
      for (const { name } of entries) {
        const found = await this.find(keyOf(name.slice(1)))
        if (found?.record.subject === subject.id) yield found
      }
      if (entries.length < 50) return
      after = entries.at(-1)!.name
    }
  }
}

/** Faults in a store that reads before it writes. */
export const kvs: readonly StoreMutant[] = [
  kv(
    class extends Indexed {
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        const isCreated = await KvStore.prototype.create.call(this, key, record, now)
        if (isCreated && record.subject !== undefined) await this.enter(key)
        return isCreated
      }
    },
  )(
    'a session is there before its place in the index, and a lost connection leaves it so',
    'first the record, then the index: an index must not point at nothing',
    ['faults/cut-create'],
  ),
  kv(
    class extends Indexed {
      override async delete(key: SessionKey, now: number): Promise<boolean> {
        await this.leave(key)
        return KvStore.prototype.delete.call(this, key, now)
      }
    },
  )(
    'a session leaves the index before it is deleted, and a lost connection leaves it so',
    'the reverse of the create',
    ['faults/cut-delete'],
  ),
  kv(
    class extends KvStore {
      #after = ''

      protected override async *pages(prefix: string) {
        for (this.#after = ''; ;) {
          const page = await this.ask<Versioned[]>('scan', prefix, this.#after, 50)
          this.#after = page.at(-1)?.name ?? ''
          yield (await Promise.all(page.map(({ name }) => this.find(keyOf(name))))).filter((one) => one !== undefined)
          if (page.length < 50) return
        }
      }
    },
  )('two calls at once that work in pages share their place', 'the cursor is a field of the store', [
    'subjects/pages-at-once',
  ]),
  kv(
    class extends KvStore {
      override async create(key: SessionKey, record: SessionRecord, now: number): Promise<boolean> {
        this.fits(record)
        const found = await this.find(key)
        if (!found) return super.create(key, record, now)
        if (now < found.record.expiresAt) return false
        await this.tell('set', nameOf(key), encodeRecord(record))
        return true
      }
    },
  )(
    'a create writes over what has expired, and over what a slower clock has just lengthened',
    'what has expired is as good as nothing: no version is compared',
    ['races/late-requests'],
  ),
  kv(
    class extends KvStore {
      override async touch(key: SessionKey, expected: ExpectedRecord, expiresAt: number, now: number) {
        const found = await this.live(key, now)
        if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
        if (expiresAt <= found.record.expiresAt) return 'touched'
        const isMoved = await this.put(key, found.version, { ...found.record, expiresAt })
        return isMoved ? 'touched' : 'missing'
      }
    },
  )(
    'a touch that another touch overtook says that the record is missing',
    'one compare-and-set, whose failure has one meaning',
    ['races/late-requests', 'races/touches-meet'],
  ),
  kv(
    class extends KvStore {
      override async replace(key: SessionKey, expected: ExpectedRecord, record: SessionRecord, now: number) {
        const found = await this.live(key, now)
        if (found?.record.revision !== expected.revision) return found ? 'conflict' : 'missing'
        return super.replace(key, expected, record, now)
      }
    },
  )(
    'a replace of another revision does not say that its payload is too large',
    'the size is looked at where the bytes are sent',
    ['round-trip/too-large'],
  ),
]

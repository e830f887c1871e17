import type { ExpectedRecord, SessionKey, SessionRecord, SessionStore, Subject } from '../src/store.ts'

/** One call of a store's method, as data. */
export type Step =
  | { readonly method: 'read'; readonly key: SessionKey; readonly now: number; readonly fresh: boolean }
  | { readonly method: 'create'; readonly key: SessionKey; readonly record: SessionRecord; readonly now: number }
  | {
      readonly method: 'replace'
      readonly key: SessionKey
      readonly record: SessionRecord
      readonly expected: ExpectedRecord
      readonly now: number
    }
  | {
      readonly method: 'touch'
      readonly key: SessionKey
      readonly expiresAt: number
      readonly expected: ExpectedRecord
      readonly now: number
    }
  | { readonly method: 'delete'; readonly key: SessionKey; readonly now: number }
  | { readonly method: 'all'; readonly now: number }
  | { readonly method: 'list'; readonly subject: Subject; readonly now: number }
  | { readonly method: 'deleteSubject'; readonly subject: Subject; readonly now: number; readonly except?: SessionKey }
  | { readonly method: 'count'; readonly now: number }
  /** Removes what ended by `now`: the store has looked at its clock already. */
  | { readonly method: 'sweep'; readonly now: number }

/** The name of a store's method. */
export type Method = Step['method'] & keyof SessionStore

/** Tag and id: the key of the maps here. */
export function handle(key: SessionKey): string {
  return key.tag + key.id
}

/** What is stored, by handle. Steps replace records and never change one, so a copy of the map is a snapshot. */
export type Records = Map<string, SessionRecord>

/** Applies a step to the records, at once and whole, and returns its answer: the store's contract, word for word. */
export function apply(records: Records, step: Step): unknown {
  const live = (key: SessionKey): SessionRecord | undefined => {
    const record = records.get(handle(key))
    return record !== undefined && step.now < record.expiresAt ? record : undefined
  }
  switch (step.method) {
    case 'read':
      return live(step.key)
    case 'create': {
      if (live(step.key) !== undefined) return false
      records.set(handle(step.key), step.record)
      return true
    }
    case 'replace': {
      const there = live(step.key)
      if (there === undefined) return 'missing'
      if (there.revision !== step.expected.revision) return 'conflict'
      records.set(handle(step.key), step.record)
      return 'replaced'
    }
    case 'touch': {
      const there = live(step.key)
      if (there === undefined) return 'missing'
      if (there.revision !== step.expected.revision) return 'conflict'
      if (step.expiresAt > there.expiresAt) records.set(handle(step.key), { ...there, expiresAt: step.expiresAt })
      return 'touched'
    }
    case 'delete': {
      const went = live(step.key) !== undefined
      records.delete(handle(step.key))
      return went
    }
    case 'all':
      return [...records]
        .filter(([, record]) => step.now < record.expiresAt)
        .map(([name, record]) => [keyOf(name), record] as const)
    case 'list':
      return [...records]
        .filter(([name, record]) => belongs(name, record, step.subject) && step.now < record.expiresAt)
        .map(([name, record]) => [keyOf(name), record] as const)
    case 'deleteSubject': {
      const spared = step.except && handle(step.except)
      const gone = [...records].filter(([name, record]) => belongs(name, record, step.subject) && name !== spared)
      for (const [name] of gone) records.delete(name)
      return gone.filter(([, record]) => step.now < record.expiresAt).length
    }
    case 'count':
      return [...records.values()].filter((record) => step.now < record.expiresAt).length
    case 'sweep': {
      const expired = [...records].filter(([, record]) => step.now >= record.expiresAt)
      for (const [name] of expired) records.delete(name)
      return expired.length
    }
  }
}

/** True for a step that may change what is stored. */
export function writes(step: Step): boolean {
  return !['read', 'all', 'list', 'count'].includes(step.method)
}

/** A record that shares no memory with the one given. */
export function copyRecord(record: SessionRecord): SessionRecord {
  return { ...record, payload: record.payload.slice() }
}

function belongs(name: string, record: SessionRecord, subject: Subject): boolean {
  return record.subject === subject.id && name.startsWith(subject.tag)
}

function keyOf(name: string): SessionKey {
  return { tag: name.slice(0, 12), id: name.slice(12) }
}

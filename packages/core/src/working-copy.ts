import { NO_CONTENT, type Content, type DecodedRecord, type SessionNames } from './codec.ts'
import type { Context } from './context.ts'
import { changed, changesBetween, copy, differ, get, isPlain, keysOf, put, type Plain } from './data.ts'
import { SessError } from './error.ts'
import { flashAfter, messagesOf, type FlashStep } from './flash.ts'
import { checkJson } from './json.ts'
import { settleConflicts, takeOver } from './merge.ts'
import { invalid } from './option-check.ts'
import { newWrite, type Write } from './write.ts'

/** A write, and the application's changes that it contains. */
export interface PendingWrite {
  readonly write: Write
  /** The application's data when the write began. */
  readonly sent: Plain
  readonly flashSteps: number
  readonly assigned: object | undefined
}

/** The state of the application's changes at some time. */
export interface Snapshot {
  readonly data: Plain | undefined
  readonly flashSteps: number
}

/** A function given to `update`. */
export type Change = (data: Plain) => unknown

/**
 * The data and flash messages of a session in one request: the state that was loaded or last written, the application's changes since
 * then, and the writes with these changes. It does not access the store.
 */
export class WorkingCopy {
  readonly #context: Context
  readonly #names: () => SessionNames
  /** The data as it was loaded or last written. `#data` is a copy, made at the first access. */
  #base: Plain
  #data: Plain | undefined
  /** The error, if the stored data does not fit the schema. `#base` is empty then. */
  #unfit: SessError | undefined
  /** Identifies the last assignment to `session.data`, until it is written. */
  #assigned: object | undefined
  /** The stored content from which `#base` was made. */
  #seen: Content
  #flashSteps: FlashStep[] = []

  /**
   * @param names - Returns the names of the session in `conflict` events.
   * @param data - The data as it was loaded; or the error, if it does not fit the schema.
   * @param seen - The stored content from which the data was made.
   */
  constructor(context: Context, names: () => SessionNames, data: Plain | SessError, seen: Content = NO_CONTENT) {
    this.#context = context
    this.#names = names
    this.#unfit = data instanceof SessError ? data : undefined
    this.#base = data instanceof SessError ? {} : data
    this.#seen = seen
  }

  /** The data that the application reads and changes: the same object at each access. @throws {SessError} `invalid_data`. */
  get data(): Plain {
    if (this.#unfit && !this.#data) throw this.#unfit
    return (this.#data ??= copy(this.#base))
  }

  /** Replaces all keys. @throws {SessError} `invalid_option` for anything but a plain object. */
  assign(value: unknown): void {
    if (!isPlain(value)) throw invalid('session.data', 'must be a plain object; its keys replace all stored keys')
    const data = (this.#data ??= copy(this.#base))
    const next = { ...value }
    this.#assigned = {}
    for (const key of keysOf(data, next)) put(data, key, get(next, key))
  }

  /** Leaves a flash message. @throws {SessError} `unserializable`. */
  flash(name: string, message: unknown): void {
    const left = copy(message)
    checkJson(left, `flash(${JSON.stringify(name)})`)
    this.#flashSteps.push({ name, left })
  }

  /** Returns the flash messages under a name, and removes them. */
  flashed(name: string): unknown[] {
    const messages = messagesOf(flashAfter(this.#seen.flash, this.#flashSteps), name)
    if (messages.length) this.#flashSteps.push({ name, taken: copy(messages) })
    return messages
  }

  /** True if `session.data` was assigned, and the assignment is not written yet. */
  get isAssigned(): boolean {
    return this.#assigned !== undefined
  }

  get hasChanges(): boolean {
    return (
      this.#flashSteps.length > 0 ||
      (this.#data !== undefined && (differ(this.#base, this.#data) || this.#dropped(this.#data).length > 0))
    )
  }

  snapshot(): Snapshot {
    return { data: this.#data && copy(this.#data), flashSteps: this.#flashSteps.length }
  }

  changedSince({ data, flashSteps }: Snapshot): boolean {
    return this.#flashSteps.length > flashSteps || (this.#data !== undefined && differ(data ?? this.#base, this.#data))
  }

  /** A write with the application's changes; undefined if there are none. @throws {SessError} `invalid_data`. */
  pendingChanges(): PendingWrite | Promise<PendingWrite> | undefined {
    const changes = this.#changes()
    return changes.size || this.#flashSteps.length ? this.#pending(changes, undefined) : undefined
  }

  /** A write with the application's changes, if any, and the changes of the function `change`. @throws {SessError} `invalid_data`. */
  pending(change?: Change): PendingWrite | Promise<PendingWrite> {
    return this.#pending(this.#changes(), change)
  }

  #pending(changes: Map<string, unknown>, change: Change | undefined): PendingWrite | Promise<PendingWrite> {
    return changes.size && this.#context.settings.schema
      ? this.#context.shaped(this.#data!).then((shaped) => this.#pendingOf(this.#changesTo(shaped), change))
      : this.#pendingOf(changes, change)
  }

  #pendingOf(mine: Map<string, unknown>, change: Change | undefined): PendingWrite {
    const steps = [...this.#flashSteps]
    let seen = this.#seen
    const assigned = this.#assigned
    const compose = (stored: Content): Content | Promise<Content> => {
      if (stored !== seen) settleConflicts(this.#context, this.#names(), mine, seen, stored)
      seen = stored
      const { unmigrated } = stored
      const content = {
        data: changed(stored.data, mine),
        flash: flashAfter(stored.flash, steps),
        ...(unmigrated && !assigned && { unmigrated }),
      }
      return change ? this.#changedBy(change, content, mine.size || steps.length ? content : stored) : content
    }
    const sent = this.#data ? copy(this.#data) : this.#base
    return { write: newWrite(compose), sent, flashSteps: steps.length, assigned }
  }

  /** The content after a function has changed its data. @param otherwise - The result if the function changes nothing. */
  async #changedBy(change: Change, stored: Content, otherwise: Content): Promise<Content> {
    const { data, flash } = stored
    const draft = await this.#context.dataOf(stored)
    const before = copy(draft)
    if (isPromise(change(draft))) throw mustNotWait()
    const changes = changesBetween(before, this.#context.settings.schema ? await this.#context.shaped(draft) : draft)
    return changes.size ? { data: changed(data, changes), flash } : otherwise
  }

  #changes(): Map<string, unknown> {
    return this.#data ? this.#changesTo(this.#data) : new Map<string, unknown>()
  }

  #changesTo(data: Plain): Map<string, unknown> {
    const changes = changesBetween(this.#base, data)
    for (const key of this.#dropped(data)) changes.set(key, undefined)
    return changes
  }

  /** The stored keys that an assignment to `session.data` deletes, including keys that the schema hides. */
  #dropped(data: Plain | undefined): string[] {
    return data && this.#assigned ? Object.keys(this.#seen.data).filter((key) => !Object.hasOwn(data, key)) : []
  }

  /**
   * Takes over the record after a write. Changes of the application since the write began stay pending.
   *
   * @param live - The record; undefined if it is gone.
   */
  follow({ sent, flashSteps, assigned }: PendingWrite, live: DecodedRecord | undefined): Promise<void> | undefined {
    if (this.#assigned === assigned) this.#assigned = undefined
    this.#flashSteps.splice(0, flashSteps)
    if (!live) return void (this.#base = sent)
    const { content } = live
    if (this.#context.settings.schema || content.unmigrated)
      return this.#context.fit(live, 'commit').then((data) => {
        // The data that the application already has stays readable, as it was sent.
        if (!(data instanceof SessError)) this.#rebase(data, content, sent)
        else if (this.#data) this.#rebase(sent, content, sent)
        else this.#rebase({}, content, sent, data)
      })
    this.#rebase(content.data, content, sent)
    return undefined
  }

  /** Drops pending messages when the session has ended. */
  end(): void {
    this.#flashSteps = []
    this.#assigned = undefined
  }

  /** Starts a new session: the data object stays the same object, and gets the data of a new session. */
  startOver(blank: Plain): void {
    this.#rebase(blank, NO_CONTENT, this.#data ?? {})
  }

  /** Sets a new base. In the application's data, keys that did not change since `sent` get the value of the base. */
  #rebase(base: Plain, seen: Content, sent: Plain, unfit?: SessError): void {
    this.#unfit = unfit
    this.#base = base
    this.#seen = seen
    if (this.#data) takeOver(this.#data, base, sent)
  }
}

/** @throws {SessError} `invalid_option` unless `change` is a synchronous function. */
export function checkChange(change: unknown): void {
  if (typeof change !== 'function') throw invalid('update', 'takes a function that changes its argument, the data')
  if (/^\[object (?:Async|Generator)/.test(Object.prototype.toString.call(change))) throw mustNotWait()
}

function mustNotWait(): SessError {
  return invalid('update', 'takes a synchronous function, since it may run again; await before you call update()')
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

import { NO_CONTENT, type Content, type DecodedRecord, type SessionNames } from './codec.ts'
import type { Context } from './context.ts'
import { changed, changesBetween, copy, differ, get, isPlain, keysOf, put, type Plain } from './data.ts'
import { SessError } from './error.ts'
import { flashAfter, messagesOf, type FlashStep } from './flash.ts'
import { checkJson } from './json.ts'
import { settleConflicts, takeOver } from './merge.ts'
import { invalid } from './option-check.ts'
import { newWrite, type Write } from './write.ts'

/** A write, and what of the user's doings it carries. */
export interface PendingWrite {
  readonly write: Write
  /** The user's data when the write began. */
  readonly sent: Plain
  readonly flashSteps: number
  readonly assigned: object | undefined
}

/** What a user had changed at some time. */
export interface Snapshot {
  readonly data: Plain | undefined
  readonly flashSteps: number
}

/** A function given to `update`. */
export type Change = (data: Plain) => unknown

/**
 * A session's data and messages as one request works on them: as they were loaded or last written, what the user has changed
 * since, and the writes that carry these changes. It reads and writes no store.
 */
export class WorkingCopy {
  readonly #context: Context
  readonly #names: () => SessionNames
  /** Data as loaded or last written; `#data` is made of it when it is first asked for. */
  #base: Plain
  #data: Plain | undefined
  /** Why the stored data cannot be read: it does not fit the schema. `#base` is empty then. */
  #unfit: SessError | undefined
  /** Stands for the last assignment of all data, until it was written. */
  #assigned: object | undefined
  /** The stored content that `#base` was made of. */
  #seen: Content
  #flashSteps: FlashStep[] = []

  /**
   * @param names - What events of conflicts name the session by.
   * @param data - As loaded; or why it does not fit the schema.
   * @param seen - The stored content that the data was made of.
   */
  constructor(context: Context, names: () => SessionNames, data: Plain | SessError, seen: Content = NO_CONTENT) {
    this.#context = context
    this.#names = names
    this.#unfit = data instanceof SessError ? data : undefined
    this.#base = data instanceof SessError ? {} : data
    this.#seen = seen
  }

  /** The data for the user to change: the same object each time. @throws {SessError} `invalid_data`. */
  get data(): Plain {
    if (this.#unfit && !this.#data) throw this.#unfit
    return (this.#data ??= copy(this.#base))
  }

  /** Replaces all keys. @throws {SessError} `invalid_option` for anything but a plain object. */
  assign(value: unknown): void {
    if (!isPlain(value)) throw invalid('session.data', 'takes a plain object, whose keys replace all others')
    const data = (this.#data ??= copy(this.#base))
    const next = { ...value }
    this.#assigned = {}
    for (const key of keysOf(data, next)) put(data, key, get(next, key))
  }

  /** Leaves a message. @throws {SessError} `unserializable`. */
  flash(name: string, message: unknown): void {
    const left = copy(message)
    checkJson(left, `flash(${JSON.stringify(name)})`)
    this.#flashSteps.push({ name, left })
  }

  /** Takes the messages under a name. */
  flashed(name: string): unknown[] {
    const messages = messagesOf(flashAfter(this.#seen.flash, this.#flashSteps), name)
    if (messages.length) this.#flashSteps.push({ name, taken: copy(messages) })
    return messages
  }

  /** All data was assigned, and that was not written yet. */
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

  /** The user's changes as a write; undefined: none. @throws {SessError} `invalid_data`. */
  pendingChanges(): PendingWrite | Promise<PendingWrite> | undefined {
    const changes = this.#changes()
    return changes.size || this.#flashSteps.length ? this.#pending(changes, undefined) : undefined
  }

  /** A write of the user's changes, of which there may be none, and of what a function changes. @throws {SessError} `invalid_data`. */
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

  /** Content as a function leaves it. @param otherwise - What there is if it changes nothing. */
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

  /** The stored keys that an assignment of all data takes out, those included that the schema hides. */
  #dropped(data: Plain | undefined): string[] {
    return data && this.#assigned ? Object.keys(this.#seen.data).filter((key) => !Object.hasOwn(data, key)) : []
  }

  /**
   * Takes over what a write left in the store. What the user changed since it began stays pending.
   *
   * @param live - The record; undefined where it is gone.
   */
  follow({ sent, flashSteps, assigned }: PendingWrite, live: DecodedRecord | undefined): Promise<void> | undefined {
    if (this.#assigned === assigned) this.#assigned = undefined
    this.#flashSteps.splice(0, flashSteps)
    if (!live) return void (this.#base = sent)
    const { content } = live
    if (this.#context.settings.schema || content.unmigrated)
      return this.#context.fit(live, 'commit').then((data) => {
        // What the user has at hand stays readable, as it was sent.
        if (!(data instanceof SessError)) this.#rebase(data, content, sent)
        else if (this.#data) this.#rebase(sent, content, sent)
        else this.#rebase({}, content, sent, data)
      })
    this.#rebase(content.data, content, sent)
    return undefined
  }

  /** The session has ended: its messages go. */
  end(): void {
    this.#flashSteps = []
    this.#assigned = undefined
  }

  /** Goes on with a new session's data: what the user has at hand goes, and the object stays. */
  startOver(blank: Plain): void {
    this.#rebase(blank, NO_CONTENT, this.#data ?? {})
  }

  /** Gives the user's object a new base: keys that are as they were sent follow it. */
  #rebase(base: Plain, seen: Content, sent: Plain, unfit?: SessError): void {
    this.#unfit = unfit
    this.#base = base
    this.#seen = seen
    if (this.#data) takeOver(this.#data, base, sent)
  }
}

/** @throws {SessError} `invalid_option` for anything but a function that does not wait. */
export function checkChange(change: unknown): void {
  if (typeof change !== 'function') throw invalid('update', 'takes a function that changes the data it is given')
  if (/^\[object (?:Async|Generator)/.test(Object.prototype.toString.call(change))) throw mustNotWait()
}

function mustNotWait(): SessError {
  return invalid('update', 'takes a function that does not wait: it may run again. Await before it')
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

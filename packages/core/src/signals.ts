import type { EndReason, SignalOptions } from './api.ts'
import { unpack, type DecodedRecord } from './codec.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import type { Context } from './context.ts'
import { LONGEST_TIMER_MS, milliseconds } from './duration.ts'
import { checkOptions, checkType, invalid } from './option-check.ts'
import { RecordAccess } from './record-access.ts'
import { judge } from './secrets.ts'
import type { LiveSession } from './session.ts'
import type { AnyRecord, SessionKey } from './store.ts'
import { handleOf } from './token.ts'

/** How many sessions are read at the same time. */
const MOST_READS = 100
/** The shortest time between two reads of a session, in ms: when it is about to expire, or an operation of this process changes it. */
const SOON_MS = 1000

/** One signal and its session object. */
interface Listener {
  readonly session: LiveSession
  readonly controller: AbortController
  readonly recheckEvery: number
  readonly keepAlive: boolean
  /** Removes the listener from `until`. */
  readonly stop: () => void
  watch: Watch
}

/** A session that is watched, for one or more signals. */
interface Watch {
  readonly key: SessionKey
  readonly listeners: Set<Listener>
  subject: string | undefined
  /** The expiry when it was last read. */
  expiresAt: number
  timer: NodeJS.Timeout | undefined
  /** When the timer fires, as a time of performance.now(). */
  dueAt: number
  /** `waiting`: the read waits for its turn. `again`: an event came during the read, so the session must be read again. */
  state: 'idle' | 'waiting' | 'reading' | 'again'
}

/** Makes signals that abort when a session ends: at once if this process ends it, otherwise at the next periodic read of the store. */
export class Signals {
  readonly #context: Context
  /** The watches, by handle. */
  readonly #watches = new Map<string, Watch>()
  readonly #reads = new ConcurrencyLimit(MOST_READS)
  #hears = false
  #closed = false

  constructor(context: Context) {
    this.#context = context
  }

  /** See `Sessions.signal`. */
  signal(session: LiveSession, options: SignalOptions | undefined): AbortSignal {
    checkOptions(options, 'signal()', { recheckEvery: true, until: true, keepAlive: true })
    const { recheckEvery: every = '30s', until, keepAlive = false } = options ?? {}
    const recheckEvery = milliseconds(every, 'recheckEvery')
    if (recheckEvery > LONGEST_TIMER_MS) throw invalid('recheckEvery', 'must be at most 24d')
    if (until !== undefined && typeof until?.addEventListener !== 'function')
      throw invalid('until', 'must be an AbortSignal: watching stops when it aborts')
    checkType(keepAlive, 'keepAlive', 'boolean')
    const { live, mode } = session.record
    if (!live) return AbortSignal.abort(mode === 'superseded' ? mode : ('ended' satisfies EndReason))
    const controller = new AbortController()
    if (until?.aborted || this.#closed) return controller.signal
    this.#hear()
    const leave = (): void => this.#leave(listener)
    const stop = (): void => until?.removeEventListener('abort', leave)
    const watch = this.#watchOf(live)
    const listener: Listener = { session, controller, recheckEvery, keepAlive, stop, watch }
    until?.addEventListener('abort', leave, { once: true })
    this.#join(watch, listener)
    return controller.signal
  }

  /** Stops all watches. No signal aborts, since the sessions have not ended. */
  close(): void {
    this.#closed = true
    for (const { timer, listeners } of this.#watches.values()) {
      clearTimeout(timer)
      for (const { stop } of listeners) stop()
      listeners.clear()
    }
    this.#watches.clear()
  }

  /** Listens to the events of this process, from the first signal on. */
  #hear(): void {
    if (this.#hears) return
    this.#hears = true
    const { events } = this.#context
    events.on('logout', ({ handle }) => this.#end(this.#watches.get(handle), 'ended'))
    events.on('rotated', ({ handle }) => this.#check(this.#watches.get(handle)))
    events.on('login', ({ handle, previous }) => {
      if (previous !== undefined) this.#follow(previous, handle)
      this.#check(this.#watches.get(previous ?? handle))
    })
    events.on('revoked', ({ handle, subject }) => {
      if (handle !== undefined) this.#end(this.#watches.get(handle), 'revoked')
      // `except` may have spared the session of this watch: read the record to find out.
      else for (const watch of this.#watches.values()) if (watch.subject === subject) this.#check(watch)
    })
  }

  #watchOf({ key, record: { subject, expiresAt } }: DecodedRecord): Watch {
    const handle = handleOf(key)
    const there = this.#watches.get(handle)
    if (there) return there
    const listeners = new Set<Listener>()
    const watch: Watch = { key, listeners, subject, expiresAt, timer: undefined, dueAt: Infinity, state: 'idle' }
    this.#watches.set(handle, watch)
    return watch
  }

  #join(watch: Watch, listener: Listener): void {
    listener.watch = watch
    watch.listeners.add(listener)
    // A random part of the interval, so that the reads of many sessions are spread over it.
    const delay = Math.random() * this.#intervalOf(watch, [listener])
    if (performance.now() + delay < watch.dueAt) this.#schedule(watch, delay)
  }

  #leave(listener: Listener): void {
    listener.stop()
    listener.watch.listeners.delete(listener)
    this.#dropUnheard(listener.watch)
  }

  #dropUnheard(watch: Watch): void {
    if (watch.listeners.size > 0) return
    clearTimeout(watch.timer)
    const handle = handleOf(watch.key)
    if (this.#watches.get(handle) === watch) this.#watches.delete(handle)
  }

  /** Moves the signals of a session object to its new record after a login. */
  #follow(previous: string, handle: string): void {
    const watch = this.#watches.get(previous)
    if (!watch) return
    for (const listener of watch.listeners) {
      const { live } = listener.session.record
      if (!live || handleOf(live.key) !== handle) continue
      // A socket that was opened for one user must not go on for another.
      if (watch.subject !== undefined && watch.subject !== live.record.subject) this.#abort(listener, 'superseded')
      else {
        watch.listeners.delete(listener)
        this.#join(this.#watchOf(live), listener)
      }
    }
    this.#dropUnheard(watch)
  }

  #end(watch: Watch | undefined, reason: EndReason): void {
    for (const listener of watch?.listeners ?? []) this.#abort(listener, reason)
  }

  #abort(listener: Listener, reason: EndReason): void {
    this.#leave(listener)
    listener.controller.abort(reason)
  }

  /**
   * The time until the next read of a session, in ms, for these listeners: at most until its expiry; for `keepAlive` at most half of
   * that, to touch it in time.
   */
  #intervalOf({ expiresAt }: Watch, listeners: readonly Listener[]): number {
    const left = expiresAt - this.#context.settings.clock()
    const useful = listeners.some(({ keepAlive }) => keepAlive) ? left / 2 : left
    return Math.min(...listeners.map(({ recheckEvery }) => recheckEvery), Math.max(useful, SOON_MS))
  }

  #schedule(watch: Watch, delay: number): void {
    clearTimeout(watch.timer)
    watch.timer = setTimeout(() => this.#check(watch), delay)
    watch.timer.unref?.()
    watch.dueAt = performance.now() + delay
  }

  /** Reads a session as soon as the limit of reads allows. */
  #check(watch: Watch | undefined): void {
    if (watch?.state === 'reading') watch.state = 'again'
    if (watch?.state !== 'idle') return
    watch.state = 'waiting'
    this.#reads.run(() => this.#readAndJudge(watch))
  }

  async #readAndJudge(watch: Watch): Promise<void> {
    watch.state = 'reading'
    let soon = false
    try {
      soon = watch.listeners.size > 0 && (await this.#judge(watch))
    } catch {
      // An outage ends no session. It was an `error` event.
    }
    const again = (watch.state as Watch['state']) === 'again'
    watch.state = 'idle'
    if (watch.listeners.size === 0) return
    if (again) this.#check(watch)
    else this.#schedule(watch, soon ? SOON_MS : this.#intervalOf(watch, [...watch.listeners]))
  }

  /** @returns True if the session must be read again soon, because it is not clear yet whether it has ended. */
  async #judge(watch: Watch): Promise<boolean> {
    const { calls, settings } = this.#context
    const { key } = watch
    let now = 0
    const record = await calls.ask('signal', key, (at) => settings.store.read(key, (now = at), { fresh: true }))
    const held = record && now < record.expiresAt ? this.#unpacked(key, record) : undefined
    if (!held || this.#context.isOver(held.envelope, now)) {
      const end = held ? held.envelope.absoluteAt : watch.expiresAt
      return this.#judgeEach(watch, () => (now < end ? 'revoked' : 'expired'))
    }
    watch.subject = record!.subject
    watch.expiresAt = record!.expiresAt
    const { revision } = held.record
    const soon = this.#judgeEach(watch, ({ digest, held: own }) => {
      const verdict = judge(held.envelope, digest!, now)
      // A write of this process after the read is newer than the record that was read.
      return verdict === 'current' || verdict === 'kept' || own!.record.revision > revision ? undefined : 'superseded'
    })
    const alive = [...watch.listeners].find(({ keepAlive }) => keepAlive)
    return soon || (alive !== undefined && (await this.#touch(watch, held, alive)))
  }

  /** Aborts the signals for which there is a reason. @returns True if the reason may be an operation that is still running. */
  #judgeEach(watch: Watch, reasonFor: (access: RecordAccess) => EndReason | undefined): boolean {
    let soon = false
    for (const listener of watch.listeners) {
      const { record, running } = listener.session
      const reason = reasonFor(record)
      // A rotation, sign-in or logout of this session object may be stored already, before its answer has come.
      if (reason !== undefined && running) soon = true
      else if (reason !== undefined) this.#abort(listener, reason)
    }
    return soon
  }

  #unpacked(key: SessionKey, record: AnyRecord): DecodedRecord | undefined {
    try {
      return unpack(this.#context.settings, key, record)
    } catch (error) {
      this.#context.events.emit('error', { code: 'configuration', operation: 'signal', error, handle: handleOf(key) })
      throw error
    }
  }

  /** Touches a session with an open connection. @returns True if the session ended meanwhile. */
  async #touch(watch: Watch, held: DecodedRecord, { session }: Listener): Promise<boolean> {
    const verdict = judge(held.envelope, session.record.digest!, this.#context.settings.clock())
    if (verdict === 'mismatched') return true
    const access = new RecordAccess(this.#context, { verdict, digest: session.record.digest!, held })
    await access.touch()
    watch.expiresAt = access.live?.record.expiresAt ?? watch.expiresAt
    return access.live === undefined
  }
}

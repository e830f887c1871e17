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

/** How many sessions are read at once. */
const MOST_READS = 100
/** How soon a session is read again that is about to expire, or that an operation of this process is changing. */
const SOON_MS = 1000

/** One signal. */
interface Listener {
  readonly session: LiveSession
  readonly controller: AbortController
  readonly recheckEvery: number
  readonly keepAlive: boolean
  /** Ends the listening to `until`. */
  readonly stop: () => void
  watch: Watch
}

/** A session that is watched, however many signals it has. */
interface Watch {
  readonly key: SessionKey
  readonly listeners: Set<Listener>
  subject: string | undefined
  /** As last seen. */
  expiresAt: number
  timer: NodeJS.Timeout | undefined
  /** When the timer fires, by performance.now(). */
  dueAt: number
  /** `waiting`: for its turn to be read. `again`: something happened while it was read. */
  state: 'idle' | 'waiting' | 'reading' | 'again'
}

/** Signals that abort when sessions end: at once by what this process does, otherwise by reading the store now and then. */
export class Signals {
  readonly #context: Context
  /** By handle. */
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

  /** Stops watching. No signal aborts for that: the sessions have not ended. */
  close(): void {
    this.#closed = true
    for (const { timer, listeners } of this.#watches.values()) {
      clearTimeout(timer)
      for (const { stop } of listeners) stop()
      listeners.clear()
    }
    this.#watches.clear()
  }

  /** Listens to what this process does, from the first signal on. */
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
      // One of them may have been spared.
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

  /** Carries along the signals of a session object that signed in, and so has another record. */
  #follow(previous: string, handle: string): void {
    const watch = this.#watches.get(previous)
    if (!watch) return
    for (const listener of watch.listeners) {
      const { live } = listener.session.record
      if (!live || handleOf(live.key) !== handle) continue
      // What was opened for one subject is not another's.
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

  /** How long a session need not be read for these listeners: to its end at most, and half of that to be kept alive in time. */
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

  /** Reads a session as soon as that may be. */
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
      // An outage ends no session. An event has told of it.
    }
    const again = (watch.state as Watch['state']) === 'again'
    watch.state = 'idle'
    if (watch.listeners.size === 0) return
    if (again) this.#check(watch)
    else this.#schedule(watch, soon ? SOON_MS : this.#intervalOf(watch, [...watch.listeners]))
  }

  /** @returns True if it cannot be told yet. */
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
      // What this process has written since it was read is newer.
      return verdict === 'current' || verdict === 'kept' || own!.record.revision > revision ? undefined : 'superseded'
    })
    const alive = [...watch.listeners].find(({ keepAlive }) => keepAlive)
    return soon || (alive !== undefined && (await this.#touch(watch, held, alive)))
  }

  /** Aborts the signals for which there is a reason. @returns True if an operation that runs may be the reason. */
  #judgeEach(watch: Watch, reasonFor: (access: RecordAccess) => EndReason | undefined): boolean {
    let soon = false
    for (const listener of watch.listeners) {
      const { record, running } = listener.session
      const reason = reasonFor(record)
      // Its own operation has written already what it does not know yet: a rotation, a sign-in, a logout.
      if (reason !== undefined && running) soon = true
      else if (reason !== undefined) this.#abort(listener, reason)
    }
    return soon
  }

  #unpacked(key: SessionKey, record: AnyRecord): DecodedRecord | undefined {
    try {
      return unpack(this.#context.settings, key, record)
    } catch (error) {
      const handle = handleOf(key)
      this.#context.events.emit('error', { code: 'configuration', operation: 'signal', error, handle })
      throw error
    }
  }

  /** Counts an open connection as use. @returns True if the session went meanwhile. */
  async #touch(watch: Watch, held: DecodedRecord, { session }: Listener): Promise<boolean> {
    const verdict = judge(held.envelope, session.record.digest!, this.#context.settings.clock())
    if (verdict === 'mismatched') return true
    const access = new RecordAccess(this.#context, { verdict, digest: session.record.digest!, held })
    await access.touch()
    watch.expiresAt = access.live?.record.expiresAt ?? watch.expiresAt
    return access.live === undefined
  }
}

import { promisify } from 'node:util'
import { isSessError, SessError } from '@sess/core'
import type { ExternalIdSession, ExternalIdSessions } from '@sess/core/external-ids'
import { dataOf } from './cookie.ts'

/** A store that was used before, as far as it is asked. Any store of express-session is one. */
export interface LegacyStore {
  get(id: string, callback: (error: unknown, session?: object | null) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
}

/** How long an answer of the old store counts, in ms: a session that is ended meanwhile stays closed for a minute. */
const FRESH_FOR = 10_000

/** Moves sessions over from the store that was used before. */
export class Legacy {
  readonly #sessions: ExternalIdSessions
  readonly #get: (id: string) => Promise<object | null | undefined>
  readonly #destroy: (id: string) => Promise<unknown>

  constructor(sessions: ExternalIdSessions, store: LegacyStore) {
    this.#sessions = sessions
    this.#get = promisify<string, object | null | undefined>((id, done) => void store.get(id, done))
    this.#destroy = promisify<string, unknown>((id, done) => void store.destroy(id, (error) => done(error, undefined)))
  }

  /**
   * Takes a session over at once, not when it is saved: so a request that is still running when the session is ended
   * has loaded it from here, and cannot bring it back.
   */
  async take(id: string): Promise<ExternalIdSession | undefined> {
    const asked = performance.now()
    const old = await this.#get(id)
    if (performance.now() - asked > FRESH_FOR)
      throw new SessError('store_unavailable', 'the legacy store took more than 10 s to answer; nothing was written')
    if (old) await this.#move(id, old)
    // Also where there is none: another request may have moved it just now.
    return this.#sessions.load(id)
  }

  /** Ends a session here and there. It is closed here first, for a request that has asked there already. */
  async end(id: string): Promise<void> {
    await this.#sessions.end(id, { sealed: true })
    await this.#destroy(id)
  }

  async #move(id: string, old: object): Promise<void> {
    try {
      await this.#sessions.start(id).save(dataOf(old, undefined))
    } catch (error) {
      // Another request has moved it.
      if (isSessError(error, 'conflict')) return
      throw error
    }
    try {
      await this.#destroy(id)
    } catch (error) {
      // In both it could outlive its expiry here.
      await this.#sessions.end(id)
      throw error
    }
  }
}

import { promisify } from 'node:util'
import { isSessError, SessError } from '@sess/core'
import type { ExternalIdSession, ExternalIdSessions } from '@sess/core/external-ids'
import { dataOf } from './cookie.ts'

/** The methods of the earlier store that are called. Every store of express-session has them. */
export interface LegacyStore {
  get(id: string, callback: (error: unknown, session?: object | null) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
}

/** How long an answer of the old store may take, in ms: less than the minute for which an ended session cannot be created again. */
const FRESH_FOR_MS = 10_000

/** Moves sessions from the earlier store to the new one. */
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
   * Moves a session when it is loaded, and not when it is saved. So a request that is still running when the session ends has loaded it
   * from the new store, and cannot bring it back.
   */
  async take(id: string): Promise<ExternalIdSession | undefined> {
    const asked = performance.now()
    const old = await this.#get(id)
    if (performance.now() - asked > FRESH_FOR_MS)
      throw new SessError('store_unavailable', 'the legacy store took more than 10 s to answer; nothing was written')
    if (old) await this.#move(id, old)
    // Even if the old store has no session: another request may have just moved it.
    return this.#sessions.load(id)
  }

  /** Ends a session in both stores, in the new one first: a request that has already read the old store then cannot create it again. */
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
      // If both stores kept the session, it could come back from the old one after its end in the new one.
      await this.#sessions.end(id)
      throw error
    }
  }
}

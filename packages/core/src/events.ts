import type { RejectionReason, SessionsEvents } from './api.ts'

type Name = keyof SessionsEvents
type Listener<N extends Name> = (event: SessionsEvents[N]) => void

const ADVICE: Record<RejectionReason, string> = {
  malformed: 'the cookie is not one of ours; another app on this host may use the same cookie name',
  unknown: 'no such session: it ended, expired, or lies in another store or under another prefix',
  mismatched: 'the session is there and the secret is wrong: an old cookie, or somebody guessing',
  superseded: 'the secret was rotated away; a parallel request of the same browser does this, and the session goes on',
  expired: 'the session was past its time',
  undecodable: 'the stored bytes are damaged or forged; look at who else writes to this store',
}

/** Hands events to listeners. A listener that throws harms nobody but is reported as an `error` event. */
export class Events {
  readonly #listeners = new Map<Name, Set<Listener<never>>>()
  readonly #log: ((line: string) => void) | undefined

  constructor(log: ((line: string) => void) | undefined) {
    this.#log = log
  }

  on<N extends Name>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  emit<N extends Name>(name: N, event: SessionsEvents[N]): void {
    if (name === 'rejected' && this.#log) {
      const { reason, handle } = event as SessionsEvents['rejected']
      this.#log(`@sess: cookie ${reason}${handle ? ` (session ${handle})` : ''}: ${ADVICE[reason]}`)
    }
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as Listener<N>)(event)
      } catch (error) {
        if (name !== 'error') this.emit('error', { code: 'configuration', operation: `listener of '${name}'`, error })
      }
    }
  }
}

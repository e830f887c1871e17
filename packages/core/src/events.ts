import type { RejectionReason, SessionsEvents } from './session-events.ts'

type Name = keyof SessionsEvents
type Listener<N extends Name> = (event: SessionsEvents[N]) => void

const ADVICE: Record<RejectionReason, string> = {
  malformed: 'the cookie has another format; does another app use this cookie name?',
  unknown: 'there is no such session: it ended, or is in another store or under another prefix',
  mismatched: 'the secret is wrong: an old cookie, or an attacker who guesses',
  superseded: 'another request replaced the secret; this is normal for parallel requests',
  expired: 'the session has expired',
  undecodable: 'the record is damaged or forged; which other programs write to this store?',
}

/** Calls the listeners of events, and writes the log. If a listener throws, the others still run, and there is an `error` event. */
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

  once<N extends Name>(name: N, listener: Listener<N>): () => void {
    const stop = this.on(name, (event) => {
      stop()
      listener(event)
    })
    return stop
  }

  emit<N extends Name>(name: N, event: SessionsEvents[N]): void {
    if (name === 'rejected' && this.#log) {
      const { reason, handle } = event as SessionsEvents['rejected']
      this.#log(`@sess: cookie ${reason}${handle ? ` (session ${handle})` : ''}: ${ADVICE[reason]}`)
    }
    if (name === 'uncacheable_late')
      this.#log?.(
        '@sess: a session was used for the first time after the head of the response had left, and shared caches may store the response; use the session earlier, or pass { private: true } to the binding',
      )
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as Listener<N>)(event)
      } catch (error) {
        if (name !== 'error') this.emit('error', { code: 'configuration', operation: `listener of '${name}'`, error })
      }
    }
  }
}

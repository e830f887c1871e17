import type { RejectionReason, SessionsEvents } from './api.ts'

type Name = keyof SessionsEvents
type Listener<N extends Name> = (event: SessionsEvents[N]) => void

const ADVICE: Record<RejectionReason, string> = {
  malformed: 'not one of ours; does another app use this cookie name?',
  unknown: 'no such session: it ended, or is in another store or under another prefix',
  mismatched: 'wrong secret: an old cookie, or somebody guessing',
  superseded: 'rotated away; normal for parallel requests',
  expired: 'past its time',
  undecodable: 'damaged or forged; who else writes to this store?',
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
        '@sess: a session was used after the response had left as one that shared caches may store; use it earlier, or pass { private: true } to the binding',
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

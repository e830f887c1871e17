import { randomBytes } from 'node:crypto'
import type { Session } from '@sess/core'

/** The options of a strategy, which it passes when it stores and verifies a state. */
export interface StateMeta {
  readonly authorizationURL?: string
  readonly tokenURL?: string
  readonly clientID?: string
  readonly callbackURL?: string
}

/** A request with a session. */
export interface StateRequest {
  readonly session: Session
}

/** A value for the option `store` of passport-oauth2, and of strategies that are built on it. */
export interface StateStore {
  store(
    request: StateRequest,
    verifier: string | undefined,
    state: unknown,
    meta: StateMeta,
    done: (error: unknown, handle?: string) => void,
  ): void
  verify(
    request: StateRequest,
    handle: string | undefined,
    meta: StateMeta,
    done: (error: unknown, ok?: boolean | string, state?: unknown) => void,
  ): void
}

/** A sign-in that has started. */
interface Begun {
  readonly handle: string
  /** The provider and client of the sign-in. The answer of another provider does not match. */
  readonly of: string
  readonly verifier?: string
  readonly state?: unknown
}

const NAME = 'passport: oauth2'

/** How many started sign-ins a browser keeps: the last ones. */
const MOST = 8

/**
 * Makes a state store that keeps the OAuth 2.0 `state` and the code verifier of PKCE in the session, outside of its data, so that a schema
 * need not allow them.
 *
 * A state is valid once, in its own browser, and for its own provider and client. A browser may have up to 8 started sign-ins, for instance
 * in several tabs. A wrong state does not end the others.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-2.1
 */
export function stateStore(): StateStore {
  // passport-oauth2 checks how many parameters these functions have.
  return {
    store({ session }, verifier, state, meta, done) {
      const begun: Begun = {
        handle: randomBytes(24).toString('base64url'),
        of: ownerOf(meta),
        ...(verifier !== undefined && { verifier }),
        ...(state !== undefined && { state }),
      }
      const others = session.flashed<Begun>(NAME)
      for (const each of [...others.slice(1 - MOST), begun]) session.flash(NAME, each)
      done(null, begun.handle)
    },
    verify({ session }, handle, meta, done) {
      const all = session.flashed<Begun>(NAME)
      const found = all.find((each) => each.handle === handle && each.of === ownerOf(meta))
      for (const each of all) if (each !== found) session.flash(NAME, each)
      if (found) done(null, found.verifier ?? true, found.state)
      else
        done(null, false, {
          message: 'this sign-in was not started in this browser, or was finished already; start again',
        })
    },
  }
}

function ownerOf({ authorizationURL, clientID }: StateMeta): string {
  return `${clientID} ${authorizationURL}`
}

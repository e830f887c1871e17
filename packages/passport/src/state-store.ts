import { randomBytes } from 'node:crypto'
import type { Session } from '@sess/core'

/** What a strategy says of itself when it stores and verifies a state. */
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

/** A state store, as the `store` option of passport-oauth2, and of the strategies made of it, takes it. */
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

/** A sign-in that was begun. */
interface Begun {
  readonly handle: string
  /** Whose it is: an answer of one provider does not count as another's. */
  readonly of: string
  readonly verifier?: string
  readonly state?: unknown
}

const NAME = 'passport: oauth2'

/** A browser that begins again and again keeps the last of its sign-ins. */
const MOST = 8

/**
 * Keeps the OAuth 2.0 `state`, and the code verifier of PKCE, in the session, outside its data: no schema needs to know of it.
 *
 * A state counts once, in the browser that began, for the provider and client that it was made for. Up to 8 sign-ins may be under way in
 * a browser, as in several tabs; a wrong state ends none of them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-2.1
 */
export function stateStore(): StateStore {
  // passport-oauth2 looks at how many parameters these have.
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
          message: 'this sign-in was not begun in this browser, or has come to its end already; begin again',
        })
    },
  }
}

function ownerOf({ authorizationURL, clientID }: StateMeta): string {
  return `${clientID} ${authorizationURL}`
}

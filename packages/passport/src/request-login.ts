import { format } from 'node:util'
import type { LoginOptions, Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { invalid, type SignIns } from './sign-in.ts'

/** How users become what a session keeps, and back. */
export interface Serializers {
  serialize(user: unknown): Promise<unknown>
  /** Null or false: there is no such user any more. */
  deserialize(serialized: unknown): Promise<unknown>
}

/** Who is signed in, during one request. */
export class RequestLogin {
  readonly session: Session
  readonly #signIns: SignIns
  readonly #serializers: Serializers
  #user: unknown
  #restored: Promise<void> | undefined

  constructor(session: Session, signIns: SignIns, serializers: Serializers) {
    this.session = session
    this.#signIns = signIns
    this.#serializers = serializers
  }

  /** The user. Who asks makes an answer that depends on who is signed in: it counts as use of the session. */
  get user(): unknown {
    bindingOf(this.session).markUsed()
    return this.#user
  }

  set user(user: unknown) {
    this.#user = user
  }

  /** Finds the user of the session, once. A session that nobody is signed in to is not used by it. */
  restore(): Promise<void> {
    return (this.#restored ??= this.#restore())
  }

  async #restore(): Promise<void> {
    if (bindingOf(this.session).status !== 'active') return
    const serialized = this.#signIns.current(this.session)
    if (serialized === undefined) return
    const user = await this.#serializers.deserialize(serialized)
    if (user === null || user === undefined || user === false) await this.#signIns.signOut(this.session, false)
    else this.#user = user
  }

  /** @param loginOptions - Those of `session.login`, for this user. */
  async logIn(
    user: unknown,
    { session = true, keepSessionInfo = false }: LogInOptions,
    loginOptions: (user: unknown) => LoginOptions | undefined,
  ): Promise<void> {
    this.#user = user
    if (!session) return
    try {
      const serialized = await this.#serializers.serialize(user)
      await this.#signIns.signIn(this.session, serialized, keepSessionInfo, loginOptions(user))
    } catch (error) {
      this.#user = null
      throw error
    }
  }

  logOut({ keepSessionInfo = false }: LogOutOptions): Promise<void> {
    this.#user = null
    return this.#signIns.signOut(this.session, keepSessionInfo)
  }

  /** Leaves a message under a name, as connect-flash and @fastify/flash do: a list is many, several values are one text. */
  flash(name: unknown, values: readonly unknown[]): number {
    const [first] = values
    const messages: readonly unknown[] = values.length > 1 ? [format(...values)] : Array.isArray(first) ? first : values
    for (const message of messages) this.session.flash(nameOf(name), message)
    return messages.length
  }

  /** Takes the messages under a name. */
  flashed(name: unknown): unknown[] {
    return this.session.flashed(nameOf(name))
  }
}

/** Options of `logIn`, and of `authenticate`, which hands them on. */
export interface LogInOptions {
  /** False: the user is there for this request alone. Default: true. */
  readonly session?: boolean | undefined
  /** Whether the session's data comes along. Default: false. */
  readonly keepSessionInfo?: boolean | undefined
}

/** Options of `logOut`. */
export interface LogOutOptions {
  /** Whether the session's data goes on in a new session, which nobody is signed in to. Default: false. */
  readonly keepSessionInfo?: boolean | undefined
}

function nameOf(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  throw invalid(
    "flash() takes the name of the messages first, as in flash('error'); there is no way to read all names at once",
  )
}

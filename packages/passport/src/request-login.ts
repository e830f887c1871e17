import { format } from 'node:util'
import type { LoginOptions, Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import { invalid, type SignIns } from './sign-in.ts'

/** Turns users into the value that a session keeps, and back. */
export interface Serializers {
  serialize(user: unknown): Promise<unknown>
  /** A result of null or false means that the user no longer exists. */
  deserialize(serialized: unknown): Promise<unknown>
}

/** The user who is signed in, during one request. */
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

  /** The user. Reading it counts as use of the session, since the response then depends on the user. */
  get user(): unknown {
    bindingOf(this.session).markUsed()
    return this.#user
  }

  set user(user: unknown) {
    this.#user = user
  }

  /** Looks up the user of the session, once. For an anonymous session this does not count as use. */
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

  /** @param loginOptions - Returns the options of `session.login` for this user. */
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

  /** Leaves messages as connect-flash and @fastify/flash do: a list is several messages, several values are formatted to one message. */
  flash(name: unknown, values: readonly unknown[]): number {
    const [first] = values
    const messages: readonly unknown[] = values.length > 1 ? [format(...values)] : Array.isArray(first) ? first : values
    for (const message of messages) this.session.flash(nameOf(name), message)
    return messages.length
  }

  /** Returns the messages under a name, and removes them. */
  flashed(name: unknown): unknown[] {
    return this.session.flashed(nameOf(name))
  }
}

/** Options of `logIn`, and of `authenticate`, which passes them on. */
export interface LogInOptions {
  /** False: the user is signed in for this request only. Default: true. */
  readonly session?: boolean | undefined
  /** True: the data of an anonymous session is kept. Default: false. */
  readonly keepSessionInfo?: boolean | undefined
}

/** Options of `logOut`. */
export interface LogOutOptions {
  /** True: the data is kept, in a new anonymous session. Default: false. */
  readonly keepSessionInfo?: boolean | undefined
}

function nameOf(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name
  throw invalid(
    "flash() needs the name of the messages as its first argument, as in flash('error'); it cannot read all names at once",
  )
}

import { isSessError, SessError, type LoginOptions, type Session } from '@sess/core'
import { checkOptions } from '@sess/core/binding'

/** Options of `passportSession` in all frameworks. */
export interface SignInOptions {
  /**
   * Returns the user's ID for the result of `serializeUser`: the value of `session.subject`, for `listSubject` and `revokeSubject`. 1 to
   * 1,024 bytes of UTF-8, different for each user. Required if `serializeUser` gives neither text nor a whole number. Default: the text,
   * or the digits of the number.
   */
  subject?(serialized: unknown): string
}

/** Options of other functions of Passport, and what to do instead. */
const HINTS = {
  keepSessionInfo: 'it is an option of passport.authenticate(), req.logIn() and req.logOut()',
  pauseStream: 'a request body always waits; leave it out',
  compat: 'its effect is always on; leave it out',
  key: 'Passport keeps its values in session.data.passport; leave it out',
  successRedirect: 'it is an option of passport.authenticate()',
  failureRedirect: 'it is an option of passport.authenticate()',
}

/** Checks the options. @throws {SessError} `invalid_option`; the message names the option. */
export function checkSignInOptions<Options extends SignInOptions>(
  options: Options,
  names: Parameters<typeof checkOptions<Options>>[2],
): void {
  checkOptions(options, 'passportSession()', names, HINTS)
  for (const name of ['subject', 'login'] as const) {
    const value = (options as Readonly<Record<string, unknown>>)[name]
    if (name in options && typeof value !== 'function') throw invalid(`${name} must be a function`)
  }
}

export function invalid(message: string, cause?: unknown): SessError {
  return new SessError('invalid_option', message, { cause })
}

/** The value in `session.data`, if the result of `serializeUser` cannot be restored from the subject. */
interface Kept {
  readonly user: unknown
}

/** The key of this value in `session.data`, as in sessions of other libraries. */
const KEY = 'passport'

/** The keys that Passport leaves in a session for the page after the sign-in. */
const FOR_LATER = ['messages', 'returnTo']

/** Signs users in and out, and finds the signed-in user. It knows a user by the result of `serializeUser`. */
export class SignIns {
  readonly #subject: SignInOptions['subject']

  constructor({ subject }: SignInOptions) {
    this.#subject = subject
  }

  /** The result of `serializeUser` for the signed-in user; undefined if nobody is signed in. */
  current(session: Session): unknown {
    const { subject } = session
    if (subject === undefined) return undefined
    const kept = readable(session)?.[KEY] as Kept | undefined
    return kept !== undefined && this.#subjectOf(kept.user) === subject ? kept.user : subject
  }

  /**
   * Signs a user in; the session gets a new secret. With `keep`, the data of an anonymous session or of the same user is kept. The values
   * that Passport leaves for the page after the sign-in, and flash messages, are always kept. Another user's data is dropped.
   *
   * @throws {SessError} `invalid_option` if the value does not name a user; otherwise as `Session.login`.
   */
  async signIn(session: Session, serialized: unknown, keep: boolean, options: LoginOptions | undefined): Promise<void> {
    const subject = this.#subjectOf(serialized)
    const kept: Kept | undefined = serialized === subject ? undefined : { user: serialized }
    const before = readable(session)
    if (before) session.data = { ...(keep ? before : only(before, FOR_LATER)), [KEY]: kept }
    try {
      await session.login(subject, options)
    } catch (error) {
      if (before) session.data = before
      throw error
    }
    // The session belonged to another user or had ended, so `kept` was dropped with its data: write it again.
    if (!kept || readable(session)?.[KEY] !== undefined) return
    session.data[KEY] = kept
    await session.commit()
  }

  /** Signs out: the session is deleted. With `keep`, its data is kept in a new anonymous session. */
  async signOut(session: Session, keep: boolean): Promise<void> {
    const before = keep ? readable(session) : undefined
    await session.logout()
    if (before) session.data = { ...before, [KEY]: undefined }
  }

  #subjectOf(serialized: unknown): string {
    const named: unknown = this.#subject ? this.#subject(serialized) : serialized
    if (typeof named === 'string' && named !== '') return named
    if (this.#subject)
      throw invalid(`subject(serialized) must return the user's ID as text, and returned ${kind(named)}`)
    if (Number.isSafeInteger(named)) return String(named)
    throw invalid(
      `serializeUser gave ${kind(named)}, which is not a user's ID: give text or a whole number, or pass { subject: (serialized) => … } to passportSession()`,
    )
  }
}

/** A copy of the session's data; undefined if it cannot be read. */
function readable(session: Session): Record<string, unknown> | undefined {
  try {
    return { ...session.data }
  } catch (error) {
    if (isSessError(error, 'invalid_data', 'session_destroyed')) return undefined
    throw error
  }
}

function only(data: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([key]) => keys.includes(key)))
}

function kind(value: unknown): string {
  if (value === '') return 'empty text'
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

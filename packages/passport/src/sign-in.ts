import { isSessError, SessError, type LoginOptions, type Session } from '@sess/core'
import { checkOptions } from '@sess/core/binding'

/** What {@link PassportSessionOptions} of every framework have. */
export interface SignInOptions {
  /**
   * Names the user by what `serializeUser` gave, for `session.subject`, `listSubject` and `revokeSubject`: 1 to 1,024 bytes of UTF-8, and
   * another one for each user. Needed where `serializeUser` gives neither text nor a whole number. Default: the text, or the
   * digits of the number.
   */
  subject?(serialized: unknown): string
}

/** Options that Passport has elsewhere. */
const HINTS = {
  keepSessionInfo: 'it is an option of passport.authenticate(), req.logIn() and req.logOut()',
  pauseStream: 'a body that flows waits by itself; leave it out',
  compat: 'leave it out; what it is for is always on',
  key: 'what Passport keeps in a session is in session.data.passport; leave it out',
  successRedirect: 'it is an option of passport.authenticate()',
  failureRedirect: 'it is an option of passport.authenticate()',
}

/** @throws {SessError} `invalid_option`, naming the option. */
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

/** What is kept in `session.data`, where the subject alone does not say what `serializeUser` gave. */
interface Kept {
  readonly user: unknown
}

/** Where Passport keeps it in sessions of other libraries. */
const KEY = 'passport'

/** What Passport leaves in a session for the page behind the sign-in. */
const FOR_LATER = ['messages', 'returnTo']

/** Who is signed in, as Passport knows users: by what `serializeUser` gives. */
export class SignIns {
  readonly #subject: SignInOptions['subject']

  constructor({ subject }: SignInOptions) {
    this.#subject = subject
  }

  /** What `serializeUser` gave of the user who is signed in; undefined: nobody is. */
  current(session: Session): unknown {
    const { subject } = session
    if (subject === undefined) return undefined
    const kept = readable(session)?.[KEY] as Kept | undefined
    return kept !== undefined && this.#subjectOf(kept.user) === subject ? kept.user : subject
  }

  /**
   * Signs a user in: a new secret. Data of an anonymous session, or of the same user, comes along where `keep` says so; what Passport leaves
   * for the page behind the sign-in, and messages of `flash`, always do. Another user's data never does.
   *
   * @throws {SessError} `invalid_option` for what names no user; else as `Session.login`.
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
    // Of another user's session, or of one that had ended, nothing came along.
    if (!kept || readable(session)?.[KEY] !== undefined) return
    session.data[KEY] = kept
    await session.commit()
  }

  /** Signs out: the session is deleted. `keep`: its data goes on in a new one, which nobody is signed in to. */
  async signOut(session: Session, keep: boolean): Promise<void> {
    const before = keep ? readable(session) : undefined
    await session.logout()
    if (before) session.data = { ...before, [KEY]: undefined }
  }

  #subjectOf(serialized: unknown): string {
    const named: unknown = this.#subject ? this.#subject(serialized) : serialized
    if (typeof named === 'string' && named !== '') return named
    if (this.#subject)
      throw invalid(`subject(serialized) must return the user's name as text, and returned ${kind(named)}`)
    if (Number.isSafeInteger(named)) return String(named)
    throw invalid(
      `serializeUser gave ${kind(named)}, which names no user: give text or a whole number, or pass { subject: (serialized) => … } to passportSession()`,
    )
  }
}

/** The session's data; undefined where there is none to read. */
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

import { SessError, type Outcome, type RegenerateOptions } from '@sess/core'
import type { CloseCookieOptions } from '@sess/core/binding'
import { checkOptions } from '@sess/core/adapter'
import { Context, LiveSession, type DecodedRecord, type Opened, type Settings } from '@sess/core/internal'
import type { CookieCarrier } from './cookie-carrier.ts'

/** The context of one session that is stored in its cookie. */
export class SealedContext extends Context {
  readonly carrier: CookieCarrier

  constructor(settings: Settings, events: Context['events'], carrier: CookieCarrier) {
    super({ ...settings, store: carrier }, events)
    this.carrier = carrier
  }

  /** The new cookie value: every write makes another cookie. */
  override cookieOf(_held: DecodedRecord): string | undefined {
    return this.carrier.value
  }
}

/** A session that is stored in its cookie. Methods that need a store throw `unsupported`. */
export class LiveSealedSession extends LiveSession {
  readonly #carrier: CookieCarrier

  constructor(context: SealedContext, data: Record<string, unknown> | SessError, opened?: Opened) {
    super(context, data, opened)
    this.#carrier = context.carrier
  }

  override async update(): Promise<Outcome> {
    throw unsupported(
      'update() cannot be atomic in a cookie, where of two parallel requests the last one wins. If a lost change does no harm, change session.data and call commit()',
    )
  }

  override async regenerate(options: RegenerateOptions = {}): Promise<Outcome> {
    checkOptions(options, 'regenerate()', { keepOldFor: true })
    if (options.keepOldFor !== undefined)
      throw unsupported('keepOldFor has no effect: a copy of the old cookie works until the session expires')
    return super.regenerate()
  }

  override closeCookie(options?: CloseCookieOptions): void {
    super.closeCookie(options)
    this.#carrier.closeCookie()
  }
}

/** Makes an `unsupported` error that says what to do. */
export function unsupported(what: string): SessError {
  return new SessError('unsupported', `${what}; for this, keep sessions in a store`)
}

import { SessError, type Outcome, type RegenerateOptions } from '@sess/core'
import type { CloseCookieOptions } from '@sess/core/binding'
import { checkOptions } from '@sess/core/adapter'
import { Context, LiveSession, type DecodedRecord, type Opened, type Settings } from '@sess/core/internal'
import type { CookieCarrier } from './cookie-carrier.ts'

/** What core needs to know for one session that lies in its cookie. */
export class SealedContext extends Context {
  readonly carrier: CookieCarrier

  constructor(settings: Settings, events: Context['events'], carrier: CookieCarrier) {
    super({ ...settings, store: carrier }, events)
    this.carrier = carrier
  }

  /** Every write makes another cookie. */
  override cookieOf(_held: DecodedRecord): string | undefined {
    return this.carrier.value
  }
}

/** A session that lies in its cookie: core's own, less what takes a store. */
export class LiveSealedSession extends LiveSession {
  readonly #carrier: CookieCarrier

  constructor(context: SealedContext, data: Record<string, unknown> | SessError, opened?: Opened) {
    super(context, data, opened)
    this.#carrier = context.carrier
  }

  override async update(): Promise<Outcome> {
    throw unsupported(
      'update() cannot be atomic: there is nothing to compare with in a cookie, and of two requests at once the last one wins. Change session.data and commit() where that may be lost',
    )
  }

  override async regenerate(options: RegenerateOptions = {}): Promise<Outcome> {
    checkOptions(options, 'regenerate()', { keepOldFor: true })
    if (options.keepOldFor !== undefined)
      throw unsupported('keepOldFor cannot be kept: a copy of the old cookie opens until the session expires')
    return super.regenerate()
  }

  override closeCookie(options?: CloseCookieOptions): void {
    super.closeCookie(options)
    this.#carrier.closeCookie()
  }
}

/** An `unsupported` error, and what to do. */
export function unsupported(what: string): SessError {
  return new SessError('unsupported', `${what}; keep sessions in a store for that`)
}

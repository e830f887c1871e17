import type { RevokeOptions, Session } from './api.ts'
import type { Context } from './context.ts'
import type { Plain } from './data.ts'
import { checkOptions, invalid } from './option-check.ts'
import { liveOf } from './session-view.ts'
import type { ExpectedRecord, SessionKey } from './store.ts'
import { parseHandle } from './token.ts'

/** Options of `revokeSubject`. */
export interface RevokeSubjectOptions {
  readonly except?: Session<Plain> | string
}

/**
 * Whose session may be revoked; undefined: anybody's.
 *
 * @throws {SessError} `invalid_option` unless exactly one of `subject` and `anySubject: true` is there: a handle that comes
 *   from a browser must not end somebody else's session because an argument was forgotten, or was undefined.
 */
export function ownerOf(context: Context, options: RevokeOptions | undefined): string | undefined {
  checkOptions(options, 'revoke()', { subject: true, anySubject: true })
  const given: readonly string[] = Object.keys(options ?? {})
  if (given.length !== 1)
    throw invalid(
      'subject',
      'or anySubject must be given to revoke(), one of them: { subject: user.id } revokes only what is theirs, { anySubject: true } is for an administrator. Nothing was revoked',
    )
  const { subject, anySubject } = options!
  if (given[0] === 'subject') {
    context.tags(subject!)
    return subject
  }
  if (anySubject !== true) throw invalid('anySubject', 'must be true; nothing was revoked')
  return undefined
}

/** The record under a key, whatever its payload is: a newer deploy may have written it. */
export async function recordAt({ calls, settings }: Context, key: SessionKey): Promise<ExpectedRecord | undefined> {
  let now = 0
  const record = await calls.ask('read', key, (at) => settings.store.read(key, (now = at), { fresh: true }))
  return record && record.expiresAt <= now ? undefined : record
}

/**
 * The key that a revocation of a subject spares.
 *
 * @throws {SessError} `invalid_option` for an `except` that names no live session of the subject: it would spare nobody.
 */
export async function sparedBy(
  context: Context,
  subject: string,
  options: RevokeSubjectOptions,
): Promise<SessionKey | undefined> {
  checkOptions(options, 'revokeSubject()', { except: true })
  if (!Object.keys(options).length) return undefined
  const { except } = options
  const handle = typeof except === 'string' ? except : except?.handle
  const key = typeof handle === 'string' ? parseHandle(handle) : undefined
  const live = liveOf(except)
  // What this request has loaded from here needs no second look; if it ends meanwhile, there is nothing to spare.
  const owner = live?.isOf(context) ? live.subject : key && (await recordAt(context, key))?.subject
  if (key && owner === subject) return key
  throw invalid(
    'except',
    'names no live session of this subject, so that none would be spared; nothing was revoked. Log in first, or leave it out',
  )
}

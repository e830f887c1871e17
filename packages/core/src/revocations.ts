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
 * The subject whose session may be revoked; undefined: the session of any subject.
 *
 * @throws {SessError} `invalid_option` unless exactly one of `subject` and `anySubject: true` is given. So a handle from a browser
 *   cannot end the session of another user because an argument was forgotten, or was undefined.
 */
export function ownerOf(context: Context, options: RevokeOptions | undefined): string | undefined {
  checkOptions(options, 'revoke()', { subject: true, anySubject: true })
  const given: readonly string[] = Object.keys(options ?? {})
  if (given.length !== 1)
    throw invalid(
      'subject',
      'or anySubject must be given to revoke(), and not both: { subject: user.id } revokes a session of this user only, { anySubject: true } is for an administrator. Nothing was revoked',
    )
  const { subject, anySubject } = options!
  if (given[0] === 'subject') {
    context.tags(subject!)
    return subject
  }
  if (anySubject !== true) throw invalid('anySubject', 'must be true; nothing was revoked')
  return undefined
}

/** The record under a key, without decoding its payload, which a newer deploy may have written. */
export async function recordAt({ calls, settings }: Context, key: SessionKey): Promise<ExpectedRecord | undefined> {
  let now = 0
  const record = await calls.ask('read', key, (at) => settings.store.read(key, (now = at), { fresh: true }))
  return record && record.expiresAt <= now ? undefined : record
}

/**
 * The key of the session that `revokeSubject` does not end.
 *
 * @throws {SessError} `invalid_option` if `except` is not a live session of the subject.
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
  // A session that this request has loaded is not read again. If it has ended meanwhile, nothing is lost.
  const owner = live?.isOf(context) ? live.subject : key && (await recordAt(context, key))?.subject
  if (key && owner === subject) return key
  throw invalid('except', 'is not a live session of this subject; nothing was revoked. Log in first, or leave it out')
}

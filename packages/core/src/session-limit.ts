import { unpack } from './codec.ts'
import type { Context } from './context.ts'
import { SessError } from './error.ts'
import type { SessionKey, SessionRecord } from './store.ts'

/**
 * Throws if a subject has `maxPerSubject` sessions. It does not see sessions that are created at the same time.
 *
 * @throws {SessError} `too_many_sessions`; or the store's own code.
 */
export async function checkRoom(context: Context, subject: string): Promise<void> {
  const { maxPerSubject } = context.settings
  if (maxPerSubject === Infinity) return
  let count = 0
  for await (const [key, record] of context.recordsOf(subject, 'login: list')) {
    if (counts(context, key, record)) count++
    if (count >= maxPerSubject)
      throw new SessError(
        'too_many_sessions',
        'this subject has as many sessions as maxPerSubject allows; nothing was written. Revoke one of them first',
      )
  }
}

/** True for a live session, but not for a marker or a damaged record. A session that a newer deploy wrote counts too. */
function counts(context: Context, key: SessionKey, record: SessionRecord): boolean {
  try {
    const held = unpack(context.settings, key, record)
    return held !== undefined && !held.envelope.marker && !context.isOver(held.envelope, context.settings.clock())
  } catch {
    return true
  }
}

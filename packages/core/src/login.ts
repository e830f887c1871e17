import type { OutcomeStatus } from './api.ts'
import { NO_CONTENT, type Content, type DecodedRecord } from './codec.ts'
import { applyWrite } from './compare-and-set.ts'
import { checkRoom } from './session-limit.ts'
import { SessError } from './error.ts'
import type { RecordAccess } from './record-access.ts'
import { markerRevision, type Owner } from './revisions.ts'
import { judge, wasValidAtMarking } from './secrets.ts'
import { handleOf, newSecret, newWriteId } from './token.ts'
import { remembers } from './write-log.ts'
import type { PendingWrite } from './working-copy.ts'
import { newWrite, type Write } from './write.ts'

/** How often the write of a marker is retried when other requests write first. */
const MARKER_TRIES = 20

/**
 * Signs a subject in. If the session already belongs to the subject, under the newest pepper, this is one replace. Otherwise it
 * creates a new record, and then replaces the request's old record by a marker.
 */
export async function signIn(access: RecordAccess, owner: Owner, write: Write): Promise<OutcomeStatus> {
  const { subject, tag } = owner
  const isTheirs = access.mode === 'current' && access.held!.record.subject === subject
  if (!isTheirs) await checkRoom(access.context, subject)
  if (isTheirs && access.held!.key.tag === tag) {
    const rotation = { secret: newSecret(), keepFor: 0, signIn: owner.signIn }
    if ((await applyWrite(access, { ...write, rotation })) === 'replaced') return 'saved'
  }
  const { mode, held, digest } = access
  const carried = carriedTo(subject, access)
  await access.create(write, carried ? await write.compose(carried) : NO_CONTENT, owner)
  if (mode === 'current') await mark(access, held!, digest!, carried && write)
  // Merging the writes of other requests may have shown that the new session is gone.
  if (!access.live) throw new SessError('conflict', 'the new session was revoked during the sign-in; sign in again')
  return 'created'
}

/** The write of a login. If the data of the anonymous session does not fit the schema, it is dropped, with an `error` event. */
export function carrying({ context, held }: RecordAccess, pending: PendingWrite): PendingWrite {
  const { settings } = context
  const fits = pending.assigned !== undefined || !(settings.schema || settings.migrate)
  if (!held || held.record.subject !== undefined || fits) return pending
  const compose = async (stored: Content): Promise<Content> => {
    const unfit = stored !== NO_CONTENT && (await context.fit({ ...held, content: stored }, 'login'))
    return pending.write.compose(unfit instanceof SessError ? { data: {}, flash: stored.flash } : stored)
  }
  return { ...pending, write: { ...pending.write, compose } }
}

/** The stored content that a subject's new session keeps. Undefined: it keeps neither stored content nor changes of this request. */
function carriedTo(subject: string, { mode, held, digest }: RecordAccess): Content | undefined {
  if (mode === 'new') return NO_CONTENT
  if (mode === 'gone' || mode === 'destroyed') return undefined
  const { envelope, record, content } = held!
  const owner = record.subject
  if (owner !== undefined && owner !== subject) return undefined
  if (mode !== 'superseded') return content
  const mine = owner ? !envelope.marker : envelope.marker && wasValidAtMarking(envelope, digest!)
  return mine ? content : NO_CONTENT
}

/**
 * Replaces the record from before a login by a marker. The sign-in is valid even if this fails.
 *
 * @param write - This request's changes; undefined if another subject was signed in before, whose data is dropped.
 */
async function mark(
  access: RecordAccess,
  loaded: DecodedRecord,
  digest: string,
  write: Write | undefined,
): Promise<void> {
  const { context } = access
  const { calls, events, settings } = context
  const { store, clock } = settings
  const id = newWriteId()
  const { key } = loaded
  const owned = loaded.record.subject !== undefined
  try {
    for (let tries = 0, old = loaded; tries < MARKER_TRIES; tries++) {
      const now = clock()
      const next = markerRevision(settings, old, id, now)
      if ((await calls.tell('replace', key, (at) => store.replace(key, old.record, next.record, at), 2)) !== 'conflict')
        return
      const fresh = await context.read(key, true)
      if (!fresh || remembers(fresh.envelope, id)) return
      const { marker } = fresh.envelope
      const mine = marker ? wasValidAtMarking(fresh.envelope, digest) : judge(fresh.envelope, digest, now) === 'current'
      if (!mine) return
      // If another login has made the marker of a subject's session, it has no data left to merge.
      if (marker && owned) return
      // Merge the writes of other requests into the new session.
      const theirs = write && newWrite(() => write.compose(fresh.content))
      if (theirs) await applyWrite(access, theirs)
      if (marker || !access.live) return
      old = fresh
    }
    if (owned) await calls.tell('delete', key, (at) => store.delete(key, at), 2)
  } catch (error) {
    events.emit('error', { code: 'store_unavailable', operation: 'login: mark', error, handle: handleOf(key) })
  }
}

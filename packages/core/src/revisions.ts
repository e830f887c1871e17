/**
 * Makes the records of writes: the first record of a session, the next revision of a record, and the marker that replaces the record
 * from before a login.
 *
 * @module
 */
import { NO_CONTENT, pack, type Content, type DecodedRecord, type Draft, type PackedRecord } from './codec.ts'
import type { Settings } from './settings.ts'
import { rotatedAway, SUPERSEDED_KNOWN_MS, validAtMarking, withoutPassedWindows } from './secrets.ts'
import type { SignIn } from './sign-in.ts'
import type { SessionKey } from './store.ts'
import { digestOf } from './token.ts'
import { writesWith } from './write-log.ts'
import type { Write } from './write.ts'

/** The owner of a session: the subject, its tag under the newest pepper, and the options of the sign-in. */
export interface Owner {
  readonly subject: string
  readonly tag: string
  readonly signIn: SignIn
}

/** The first record of a session. */
export function firstRevision(
  settings: Settings,
  key: SessionKey,
  secret: string,
  { id, content }: { readonly id: string; readonly content: Content },
  owner: Owner | undefined,
  now: number,
): PackedRecord {
  const { signIn, subject } = owner ?? {}
  const { idleTimeout, absoluteTimeout } = signIn ?? settings.anonymous
  const { persistent } = signIn ?? settings
  const absoluteAt = now + absoluteTimeout
  const meta = { revision: 1, expiresAt: expiryOf(idleTimeout, absoluteAt, now), ...(subject && { subject }) }
  const draft = {
    ...draftOf(now),
    persistent,
    authenticatedAt: signIn ? now : 0,
    absoluteAt,
    idleTimeout,
    digest: digestOf(secret),
    writes: id,
    label: signIn?.label ?? '',
    client: signIn?.client ?? {},
  }
  return pack(settings, key, meta, draft, content)
}

/** The next revision of a record, by a write. */
export function nextRevision(
  settings: Settings,
  { key, record, envelope }: DecodedRecord,
  { id, rotation }: Write,
  content: Content,
  now: number,
): PackedRecord {
  const revision = record.revision + 1
  const { secret, keepFor = 0, signIn } = rotation ?? {}
  const terms = signIn
    ? {
        ...signIn,
        authenticatedAt: now,
        absoluteAt: now + signIn.absoluteTimeout,
        label: signIn.label ?? envelope.label,
        client: signIn.client ?? envelope.client,
      }
    : settings.termsOf?.(content.data, envelope)
  const draft: Draft = {
    ...envelope,
    ...terms,
    earlier: withoutPassedWindows(envelope.earlier, now),
    ...(secret && { digest: digestOf(secret), earlier: rotatedAway(envelope, now, keepFor) }),
    writes: writesWith(envelope, id),
  }
  const { idleTimeout, absoluteAt } = draft
  // The clock of another server may be ahead of this one: a write that does not change the timeouts never shortens the life.
  const expiresAt = Math.max(expiryOf(idleTimeout, absoluteAt, now), terms ? 0 : record.expiresAt)
  return pack(settings, key, { ...record, revision, expiresAt }, draft, content)
}

/** The marker that replaces the record from before a login. The marker of a subject's session holds no data. */
export function markerRevision(
  settings: Settings,
  { key, record, envelope, content }: DecodedRecord,
  id: string,
  now: number,
): PackedRecord {
  const draft = {
    ...envelope,
    marker: true,
    earlier: validAtMarking(envelope.earlier, now),
    writes: writesWith(envelope, id),
  }
  const meta = { ...record, revision: record.revision + 1, expiresAt: now + SUPERSEDED_KNOWN_MS }
  return pack(settings, key, meta, draft, record.subject === undefined ? content : NO_CONTENT)
}

/** The envelope of an anonymous session without a secret. */
export function draftOf(now: number): Draft {
  return {
    marker: false,
    persistent: true,
    createdAt: now,
    authenticatedAt: 0,
    absoluteAt: now + SUPERSEDED_KNOWN_MS,
    idleTimeout: 0,
    digest: '',
    earlier: [],
    writes: '',
    label: '',
    client: {},
  }
}

/** When a session ends if nobody uses it: the earlier of its idle and absolute end. An `idleTimeout` of 0 means none. */
export function expiryOf(idleTimeout: number, absoluteAt: number, now: number): number {
  return idleTimeout ? Math.min(now + idleTimeout, absoluteAt) : absoluteAt
}

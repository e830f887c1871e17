/**
 * The records that writes make: the first of a session, the next of one that is there, and the marker in the place of one that
 * moved on.
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

/** Whose session a record is: the subject, its tag under the newest pepper, and what the sign-in decided. */
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

/** The record that a write makes of the one that is there. */
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
  // Another server's clock may run ahead of this one's: a write under the same terms never shortens a life.
  const expiresAt = Math.max(expiryOf(idleTimeout, absoluteAt, now), terms ? 0 : record.expiresAt)
  return pack(settings, key, { ...record, revision, expiresAt }, draft, content)
}

/** The marker in the place of a record that a login came from. That of a subject's session holds no data. */
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

/** An envelope of a session that nobody signed in to, and that has no secret. */
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

/** When a session ends unless it is used: the earlier of idle and absolute. An idle timeout of 0 does not slide. */
export function expiryOf(idleTimeout: number, absoluteAt: number, now: number): number {
  return idleTimeout ? Math.min(now + idleTimeout, absoluteAt) : absoluteAt
}

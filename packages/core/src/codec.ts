import { isLarger, isPlain, MOST_VALUES, type Plain } from './data.ts'
import { decodeEnvelope, encodeEnvelope, frame, unframe, type Envelope } from './envelope.ts'
import type { Flash } from './flash.ts'
import { SessError } from './error.ts'
import type { Settings } from './settings.ts'
import { isSound } from './record.ts'
import { asExpected, type AnyRecord, type ExpectedRecord, type SessionKey, type SessionRecord } from './store.ts'
import { handleOf } from './token.ts'

/** What an application put into a session. */
export interface Content {
  readonly data: Plain
  readonly flash: Flash
  /** Present if `migrate` threw: the data is still of this older schema version, and is written back unchanged. */
  readonly unmigrated?: { readonly version: number; readonly error: unknown }
}

/** The content of a new session. */
export const NO_CONTENT: Content = { data: {}, flash: {} }

/** A record as it was last read or written, decoded. */
export interface DecodedRecord {
  readonly key: SessionKey
  readonly record: ExpectedRecord
  readonly envelope: Envelope
  readonly content: Content
}

/** A record that is about to be written. */
export interface PackedRecord extends Omit<DecodedRecord, 'record'> {
  readonly record: SessionRecord
}

/** A record without its payload. */
export type RecordMeta = Pick<SessionRecord, 'revision' | 'expiresAt' | 'subject'>

/** The fields of an envelope that do not depend on the content. */
export type Draft = Omit<Envelope, 'flash' | 'serializer' | 'schemaVersion'>

/** How many levels data may be nested with any serializer. All recursive functions over data can go this deep. */
export const DEEPEST_DATA = 1000

/** Encodes content into a record. @throws {SessError} `unserializable`; the message names the path. `too_large`. */
export function pack(
  { serializer, schemaVersion, seal, store }: Settings,
  key: SessionKey,
  meta: RecordMeta,
  draft: Draft,
  content: Content,
): PackedRecord {
  const { data, flash } = content
  if (isLarger(data, DEEPEST_DATA))
    throw new SessError(
      'unserializable',
      `data is nested deeper than ${DEEPEST_DATA} levels, holds itself, or has more than ${MOST_VALUES} values in it; nothing was written`,
    )
  const envelope = {
    ...draft,
    serializer: serializer.name,
    schemaVersion: content.unmigrated?.version ?? schemaVersion,
    flash,
  }
  const bytes = encodeEnvelope(envelope, serializer.serialize(data))
  const payload = frame(seal ? seal.seal(bytes, bound(key, meta)) : bytes, seal !== undefined, meta.subject)
  if (payload.length > store.traits.maxPayloadBytes)
    throw new SessError(
      'too_large',
      `the session has ${payload.length} bytes, and its store accepts at most ${store.traits.maxPayloadBytes}; nothing was written. Keep large things elsewhere, and their IDs in the session`,
      { handle: handleOf(key) },
    )
  return { key, record: { ...meta, payload }, envelope, content }
}

/** A packed record, after it was written. */
export function written(packed: PackedRecord): DecodedRecord {
  return { ...packed, record: asExpected(packed.record) }
}

/** The fields of an event that name its session. */
export interface SessionNames {
  readonly handle: string
  readonly subject?: string
}

/** The fields that name the session of a record in events. */
export function namesOf({ key, record: { subject } }: DecodedRecord): SessionNames {
  return { handle: handleOf(key), ...(subject && { subject }) }
}

/**
 * Decodes a record. Undefined if its bytes are damaged.
 *
 * @throws {SessError} `configuration` if the payload is sound, but this process cannot read it.
 */
export function unpack(settings: Settings, key: SessionKey, record: AnyRecord): DecodedRecord | undefined {
  const { seal, serializers, schemaVersion, migrate } = settings
  const misfit = (what: string): SessError =>
    new SessError('configuration', `a stored session ${what}. Nothing was written`, { handle: handleOf(key) })
  const framed =
    isSound(record) &&
    record.payload.length <= settings.store.traits.maxPayloadBytes &&
    unframe(record.payload, record.subject)
  if (!framed) return undefined
  if (!framed.body) throw misfit('has a newer format; upgrade @sess/core here first')
  let body: Uint8Array | undefined = framed.body
  if (framed.sealed) {
    if (!seal) throw misfit('is sealed; pass the option seal')
    body = seal.open(body, bound(key, record))
  } else if (seal && !seal.acceptPlaintext) return undefined
  const decoded = body && decodeEnvelope(body)
  if (!decoded) return undefined
  const { envelope } = decoded
  const serializer = serializers.get(envelope.serializer)
  if (!serializer)
    throw misfit(`was written by serializer ${JSON.stringify(envelope.serializer)}; list it in serializer`)
  if (envelope.schemaVersion > schemaVersion)
    throw misfit(`has schemaVersion ${envelope.schemaVersion}, newer than ${schemaVersion}; deploy here first`)
  let data: unknown
  try {
    data = serializer.deserialize(decoded.data)
  } catch {
    return undefined
  }
  if (!isPlain(data) || isLarger(data, DEEPEST_DATA)) return undefined
  const { flash } = envelope
  const held = (content: Content): DecodedRecord => ({ key, record: asExpected(record), envelope, content })
  if (envelope.schemaVersion >= schemaVersion || !migrate) return held({ data, flash })
  try {
    const migrated = migrate(data, envelope.schemaVersion)
    if (!isPlain(migrated)) throw new TypeError('migrate returned no plain object')
    if (isLarger(migrated, DEEPEST_DATA))
      throw new TypeError(
        `migrate returned data that is nested deeper than ${DEEPEST_DATA} levels, holds itself, or has more than ${MOST_VALUES} values in it`,
      )
    return held({ data: migrated, flash })
  } catch (error) {
    // It may have changed what it was given.
    const untouched = serializer.deserialize(decoded.data) as Plain
    const unmigrated = { version: envelope.schemaVersion, error }
    return held({ data: untouched, flash, unmigrated })
  }
}

/** The associated data to which a seal binds the bytes. */
function bound(key: SessionKey, { revision, subject = '' }: RecordMeta): Uint8Array {
  return Buffer.from(`${handleOf(key)}\n${revision}\n${subject}`)
}

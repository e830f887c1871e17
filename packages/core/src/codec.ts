import { isPlain, type Plain } from './data.ts'
import { decodeEnvelope, encodeEnvelope, frame, unframe, type Envelope } from './envelope.ts'
import { SessError } from './error.ts'
import type { Settings } from './options.ts'
import type { SessionKey, SessionRecord } from './store.ts'
import { handleOf } from './token.ts'

/** What a session holds besides its data: messages by name, oldest first. */
export type Flash = Readonly<Record<string, readonly unknown[]>>

/** What users put into a session. */
export interface Content {
  readonly data: Plain
  readonly flash: Flash
}

/** An envelope whose content is yet to be serialized. */
export type Draft = Omit<Envelope, 'data' | 'flash' | 'serializer' | 'schemaVersion'>

const NOTHING = new Uint8Array(0)

/** Turns content into a record and back. What is unknown rejects; what is damaged is undefined. */
export class Codec {
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** @throws {SessError} `unserializable`, naming the path. */
  envelope(draft: Draft, { data, flash }: Content): Envelope {
    const { serializer, schemaVersion } = this.#settings
    return {
      ...draft,
      serializer: serializer.name,
      schemaVersion,
      data: serializer.serialize(data),
      flash: Object.keys(flash).length ? this.#flash(flash) : NOTHING,
    }
  }

  /** @throws {SessError} `too_large`. */
  record(
    key: SessionKey,
    revision: number,
    expiresAt: number,
    subject: string | undefined,
    envelope: Envelope,
  ): SessionRecord {
    const { seal, store } = this.#settings
    const bytes = encodeEnvelope(envelope)
    const payload = frame(seal ? seal.seal(bytes, bound(key, revision, subject)) : bytes, seal !== undefined)
    if (payload.length > store.traits.maxPayloadBytes)
      throw new SessError(
        'too_large',
        `session ${handleOf(key)} would take ${payload.length} bytes; the ${store.name} store takes ${store.traits.maxPayloadBytes}. Nothing was written; keep large things elsewhere and their IDs here`,
      )
    return { revision, expiresAt, payload, ...(subject !== undefined && { subject }) }
  }

  /** @throws {SessError} `configuration` for a sound payload that this process cannot read. */
  decode(key: SessionKey, record: SessionRecord): Envelope | undefined {
    const { seal, store } = this.#settings
    if (record.payload.length > store.traits.maxPayloadBytes) return undefined
    const framed = unframe(record.payload)
    if (framed === 'damaged') return undefined
    if (framed === 'unknown') throw this.#misfit(key, 'has a newer format; upgrade @sess/core in this process first')
    if (framed.sealed) {
      if (!seal) throw this.#misfit(key, 'is sealed; pass the option seal')
      const bytes = seal.open(framed.body, bound(key, record.revision, record.subject))
      return bytes && this.#checked(key, decodeEnvelope(bytes))
    }
    return seal && !seal.acceptPlaintext ? undefined : this.#checked(key, decodeEnvelope(framed.body))
  }

  /** Undefined for damaged bytes. @throws What the option `migrate` throws. */
  content(envelope: Envelope): Content | undefined {
    const { serializers, schemaVersion, migrate } = this.#settings
    const serializer = serializers.get(envelope.serializer)!
    let data: unknown
    let flash: unknown
    try {
      // A marker that had a subject keeps no data.
      data = envelope.data.length ? serializer.deserialize(envelope.data) : {}
      flash = envelope.flash.length ? serializer.deserialize(envelope.flash) : {}
    } catch {
      return undefined
    }
    if (!isPlain(data) || !isPlain(flash) || !Object.values(flash).every(Array.isArray)) return undefined
    if (envelope.schemaVersion < schemaVersion && migrate) data = migrate(data, envelope.schemaVersion)
    return { data: data as Plain, flash: flash as Flash }
  }

  #checked(key: SessionKey, envelope: Envelope | undefined): Envelope | undefined {
    const { serializers, schemaVersion } = this.#settings
    if (!envelope) return undefined
    if (!serializers.has(envelope.serializer))
      throw this.#misfit(
        key,
        `was written by the serializer ${JSON.stringify(envelope.serializer)}; add it to the list in the option serializer`,
      )
    if (envelope.schemaVersion > schemaVersion)
      throw this.#misfit(
        key,
        `has schema version ${envelope.schemaVersion}, and this process knows ${schemaVersion}; deploy the newer code here first`,
      )
    return envelope
  }

  #flash(flash: Flash): Uint8Array {
    try {
      return this.#settings.serializer.serialize(flash)
    } catch (cause) {
      throw cause instanceof SessError
        ? new SessError(cause.code, cause.message.replace(/^data/, 'flash'), { cause })
        : cause
    }
  }

  #misfit(key: SessionKey, what: string): SessError {
    return new SessError('configuration', `session ${handleOf(key)} ${what}. Nothing was written`)
  }
}

function bound(key: SessionKey, revision: number, subject: string | undefined): Uint8Array {
  return Buffer.from(`${handleOf(key)}\n${revision}\n${subject ?? ''}`)
}

import { crc32 } from 'node:zlib'
import { asBuffer } from './bytes.ts'
import { DEEPEST, isLarger, isPlain, type Plain } from './data.ts'
import type { Flash } from './flash.ts'
import { isTime } from './record.ts'
import { isWriteLog, type WriteLog } from './write-log.ts'

/**
 * An earlier secret. Until `keptUntil` it still works (`keepOldFor`); until `knownUntil` it is `superseded` and not unknown.
 * `keptUntil` is 0 if there is no such window, or if the window has closed; in a marker, also if the secret was not valid when the
 * marker was made.
 */
export type Earlier = readonly [digest: string, keptUntil: number, knownUntil: number]

/** What core keeps in a record's payload beside the data. Times are in ms since the epoch, timeouts in ms. */
export interface Envelope extends WriteLog {
  /** True: the record is a marker. A login replaced the session by another one, and this record opens nothing. */
  readonly marker: boolean
  /** False: the browser drops the cookie when it closes. */
  readonly persistent: boolean
  readonly createdAt: number
  /** 0: nobody is signed in. */
  readonly authenticatedAt: number
  readonly absoluteAt: number
  /** 0: the session has no idle timeout. */
  readonly idleTimeout: number
  /** SHA-256 of the current secret, in base64url. */
  readonly digest: string
  /** The earlier secrets, newest first, at most {@link EARLIER_SECRETS}. */
  readonly earlier: readonly Earlier[]
  /** The name of the serializer of the data. */
  readonly serializer: string
  readonly schemaVersion: number
  /** Empty: none. */
  readonly label: string
  readonly client: Readonly<Record<string, string>>
  readonly flash: Flash
}

/** How many earlier secrets a record remembers. */
export const EARLIER_SECRETS = 8

/** The longest label, and the longest name or value in `client`, in characters. */
export const LONGEST_TEXT = 256
/** How many entries `client` may have. */
export const MOST_HINTS = 16
/** The longest name of a serializer, in characters. */
export const LONGEST_NAME = 32

type Check = (value: unknown) => boolean

const EARLIER: readonly Check[] = [isDigest, isTime, isTime]

/** Each field, in the order of the encoded values, and a check of its value. */
const FIELDS: { readonly [Name in keyof Envelope]: Check } = {
  marker: isBoolean,
  persistent: isBoolean,
  createdAt: isTime,
  authenticatedAt: isTime,
  absoluteAt: isTime,
  idleTimeout: isTime,
  digest: isDigest,
  earlier: (value) =>
    Array.isArray(value) &&
    value.length <= EARLIER_SECRETS &&
    value.every(
      (earlier: unknown) =>
        Array.isArray(earlier) &&
        earlier.length === EARLIER.length &&
        EARLIER.every((isRight, i) => isRight(earlier[i])),
    ),
  writes: isWriteLog,
  serializer: (value) => isText(value, LONGEST_NAME) && value !== '',
  schemaVersion: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  label: (value) => isText(value, LONGEST_TEXT),
  client: (value) => isPlain(value) && isHints(Object.keys(value), value),
  // Two levels for the object and its lists, and messages of up to DEEPEST levels.
  flash: (value) => isPlain(value) && Object.values(value).every(Array.isArray) && !isLarger(value, 2 + DEEPEST),
}
const CHECKS = Object.values(FIELDS)

const MAGIC = 0x53
const VERSION = 1
const HEAD = Buffer.from([MAGIC, 0, 0, 0, 0, VERSION, 0])

/**
 * Puts the frame around a payload: a magic byte, a checksum of everything after it, the version, and whether the body is sealed.
 * Later versions will keep this frame, so that this version can tell a newer format from damage.
 *
 * @param subject - The subject of the record. The store keeps it beside the payload, and the checksum covers it.
 */
export function frame(body: Uint8Array, sealed: boolean, subject?: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD.length + body.length)
  bytes.set(HEAD)
  bytes[6] = Number(sealed)
  bytes.set(body, HEAD.length)
  bytes.writeUInt32BE(checksum(bytes, subject), 1)
  return bytes
}

/** Opens a frame. Undefined if the bytes are not a frame, or are damaged. The result has no `body` if the version is another one. */
export function unframe(
  payload: Uint8Array,
  subject: string | undefined,
): { readonly body?: Uint8Array; readonly sealed: boolean } | undefined {
  const bytes = asBuffer(payload)
  if (bytes.length < HEAD.length || bytes[0] !== MAGIC || bytes.readUInt32BE(1) !== checksum(bytes, subject))
    return undefined
  const sealed = bytes[6] === 1
  return bytes[5] === VERSION && bytes[6]! < 2 ? { body: bytes.subarray(HEAD.length), sealed } : { sealed }
}

/** Encodes an envelope and the data: the length of the envelope (32 bits), its values as a JSON array, and the bytes of the data. */
export function encodeEnvelope(envelope: Envelope, data: Uint8Array): Uint8Array {
  const json = JSON.stringify(valuesOf(envelope))
  const length = Buffer.byteLength(json)
  const bytes = Buffer.allocUnsafe(4 + length + data.length)
  bytes.writeUInt32BE(length)
  bytes.write(json, 4)
  bytes.set(data, 4 + length)
  return bytes
}

/** Decodes an envelope and the bytes of the data; undefined if the bytes are damaged. */
export function decodeEnvelope(
  body: Uint8Array,
): { readonly envelope: Envelope; readonly data: Uint8Array } | undefined {
  const bytes = asBuffer(body)
  if (bytes.length < 4) return undefined
  const end = 4 + bytes.readUInt32BE()
  if (end > bytes.length) return undefined
  let values: unknown
  try {
    values = JSON.parse(bytes.toString('utf8', 4, end))
  } catch {
    return undefined
  }
  if (!Array.isArray(values) || values.length !== CHECKS.length) return undefined
  for (let i = 0; i < CHECKS.length; i++) {
    const value: unknown = values[i]
    if (!CHECKS[i]!(value)) return undefined
  }
  return { envelope: envelopeOf(values as unknown as Values), data: bytes.subarray(end) }
}

type Values = ReturnType<typeof valuesOf>

/** The values of an envelope, in the order of {@link FIELDS}. Written out by name, because this runs in each request and is faster so. */
function valuesOf(envelope: Envelope) {
  return [
    envelope.marker,
    envelope.persistent,
    envelope.createdAt,
    envelope.authenticatedAt,
    envelope.absoluteAt,
    envelope.idleTimeout,
    envelope.digest,
    envelope.earlier,
    envelope.writes,
    envelope.serializer,
    envelope.schemaVersion,
    envelope.label,
    envelope.client,
    envelope.flash,
  ] as const
}

function envelopeOf(values: Values): Envelope {
  return {
    marker: values[0],
    persistent: values[1],
    createdAt: values[2],
    authenticatedAt: values[3],
    absoluteAt: values[4],
    idleTimeout: values[5],
    digest: values[6],
    earlier: values[7],
    writes: values[8],
    serializer: values[9],
    schemaVersion: values[10],
    label: values[11],
    client: values[12],
    flash: values[13],
  }
}

function checksum(bytes: Buffer, subject?: string): number {
  return crc32(bytes.subarray(5), subject === undefined ? 0 : crc32(subject))
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

/** A digest, or empty text for a session without a secret: in a sealed cookie, or with an ID of another library. */
function isDigest(value: unknown): boolean {
  return typeof value === 'string' && /^([\w-]{43})?$/.test(value)
}

function isHints(names: string[], hints: Plain): boolean {
  return (
    names.length <= MOST_HINTS && names.every((name) => isText(name, LONGEST_TEXT) && isText(hints[name], LONGEST_TEXT))
  )
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.length <= longest
}

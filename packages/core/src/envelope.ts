import { crc32 } from 'node:zlib'
import { asBuffer } from './bytes.ts'
import { DEEPEST, isLarger, isPlain, type Plain } from './data.ts'
import type { Flash } from './flash.ts'
import { isTime } from './record.ts'
import { isWriteLog, type WriteLog } from './write-log.ts'

/**
 * A secret that was valid before: until when it works all the same, and until when it is told from an unknown one.
 * `keptUntil` is 0 where there is no window, or none any more; in a marker, where the secret was not valid when it was made.
 */
export type Earlier = readonly [digest: string, keptUntil: number, knownUntil: number]

/** What core keeps in a record's payload beside the data. Times in ms since the epoch, lifetimes in ms. */
export interface Envelope extends WriteLog {
  /** True: nothing but a sign that the session moved on by `login`. */
  readonly marker: boolean
  /** False: the cookie goes when the browser closes. */
  readonly persistent: boolean
  readonly createdAt: number
  /** 0: nobody signed in. */
  readonly authenticatedAt: number
  readonly absoluteAt: number
  /** 0: does not slide. */
  readonly idleTimeout: number
  /** SHA-256 of the secret that is valid now. */
  readonly digest: string
  /** Newest first, at most {@link EARLIER_SECRETS}. */
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

/** How long a label, and each name and value of a client's hints, may be, in characters. */
export const LONGEST_TEXT = 256
/** How many hints a client may give. */
export const MOST_HINTS = 16
/** How long the name of a serializer may be, in characters. */
export const LONGEST_NAME = 32

type Check = (value: unknown) => boolean

const EARLIER: readonly Check[] = [isDigest, isTime, isTime]

/** Each field, in the order in which the values stand in the bytes, and what its value must be. */
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
  // The object, its lists, and in them messages of up to DEEPEST levels.
  flash: (value) => isPlain(value) && Object.values(value).every(Array.isArray) && !isLarger(value, 2 + DEEPEST),
}
const CHECKS = Object.values(FIELDS)

const MAGIC = 0x53
const VERSION = 1
const HEAD = Buffer.from([MAGIC, 0, 0, 0, 0, VERSION, 0])

/**
 * The frame of every payload, of this version and of later ones: a magic byte, a checksum of all that follows, so that a
 * newer format can be told from damage, the version, and whether the body is sealed.
 *
 * @param subject - The record's. It lies in the store beside the payload, and counts in the checksum.
 */
export function frame(body: Uint8Array, sealed: boolean, subject?: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD.length + body.length)
  bytes.set(HEAD)
  bytes[6] = Number(sealed)
  bytes.set(body, HEAD.length)
  bytes.writeUInt32BE(checksum(bytes, subject), 1)
  return bytes
}

/** Opens a frame. Undefined: not ours, or damaged. A version other than this code's has no body. */
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

/** The bytes of an envelope and of the data: the envelope's length, its values as a JSON array, the data. */
export function encodeEnvelope(envelope: Envelope, data: Uint8Array): Uint8Array {
  const json = JSON.stringify(valuesOf(envelope))
  const length = Buffer.byteLength(json)
  const bytes = Buffer.allocUnsafe(4 + length + data.length)
  bytes.writeUInt32BE(length)
  bytes.write(json, 4)
  bytes.set(data, 4 + length)
  return bytes
}

/** Reads an envelope and the bytes of the data; undefined for bytes that are none. */
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

/** The values of an envelope, in the order of {@link FIELDS}. Each request takes this way: names that are written out are quick. */
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

/** Empty where a session has no secret: in a sealed cookie, and where another library makes the IDs. */
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

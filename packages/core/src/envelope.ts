import { crc32 } from 'node:zlib'
import { isPlain } from './data.ts'
import type { Flash } from './flash.ts'

/** A secret that was valid before: until when it works all the same, and until when it is told from an unknown one. */
export type Earlier = readonly [digest: string, keptUntil: number, knownUntil: number]

/** A logical write that the record remembers, with the revision that it made. */
export type WriteMark = readonly [id: string, revision: number]

/** What core keeps in a record's payload beside the data. Times in ms since the epoch, lifetimes in ms. */
export interface Envelope {
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
  /** Newest first, at most {@link MEMORY}. */
  readonly earlier: readonly Earlier[]
  /** Oldest first, at most {@link MEMORY}, without a gap. */
  readonly writes: readonly WriteMark[]
  /** The name of the serializer of the data. */
  readonly serializer: string
  readonly schemaVersion: number
  /** Empty: none. */
  readonly label: string
  readonly client: Readonly<Record<string, string>>
  readonly flash: Flash
}

/** How many earlier secrets, and how many writes, a record remembers. */
export const MEMORY = 8

/** Each field with a check of what was read. The order is the order in the bytes. */
const FIELDS: { readonly [Field in keyof Envelope]: (value: unknown) => boolean } = {
  marker: isBoolean,
  persistent: isBoolean,
  createdAt: isNumber,
  authenticatedAt: isNumber,
  absoluteAt: isNumber,
  idleTimeout: isNumber,
  digest: isText,
  earlier: (value) => isTuples(value, isText, isNumber, isNumber),
  writes: (value) => isTuples(value, isText, isNumber),
  serializer: isText,
  schemaVersion: isNumber,
  label: isText,
  client: (value) => isPlain(value) && Object.values(value).every(isText),
  flash: (value) => isPlain(value) && Object.values(value).every(Array.isArray),
}
const NAMES = Object.keys(FIELDS) as (keyof Envelope)[]

const MAGIC = 0x53
const VERSION = 1
const HEADER = 7

/**
 * The frame of every payload, of this version and of later ones: a magic byte, the version, whether the body is sealed,
 * and a checksum of all that, so that a newer format can be told from damage.
 */
export function frame(body: Uint8Array, sealed: boolean): Uint8Array {
  const bytes = Buffer.concat([Buffer.from([MAGIC, VERSION, Number(sealed), 0, 0, 0, 0]), body])
  bytes.writeUInt32BE(checksum(bytes), 3)
  return bytes
}

/** Opens a frame. Undefined: not ours, or damaged. A version other than this code's has no body. */
export function unframe(payload: Uint8Array): { readonly body?: Buffer; readonly sealed: boolean } | undefined {
  const bytes = asBuffer(payload)
  if (bytes.length < HEADER || bytes[0] !== MAGIC || bytes.readUInt32BE(3) !== checksum(bytes)) return undefined
  const sealed = bytes[2] === 1
  return bytes[1] === VERSION && bytes[2]! < 2 ? { body: bytes.subarray(HEADER), sealed } : { sealed }
}

/** The bytes of an envelope and of the data: the envelope's length, its values as a JSON array, the data. */
export function encodeEnvelope(envelope: Envelope, data: Uint8Array): Uint8Array {
  const json = Buffer.from(JSON.stringify(NAMES.map((name) => envelope[name])))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json, data])
}

/** Reads an envelope and the bytes of the data; undefined for bytes that are none. */
export function decodeEnvelope(
  body: Uint8Array,
): { readonly envelope: Envelope; readonly data: Uint8Array } | undefined {
  const bytes = asBuffer(body)
  try {
    const end = 4 + bytes.readUInt32BE()
    const values = JSON.parse(bytes.toString('utf8', 4, end)) as readonly unknown[]
    const envelope: Record<string, unknown> = {}
    for (const [i, name] of NAMES.entries())
      if (FIELDS[name](values[i])) envelope[name] = values[i]
      else return undefined
    return { envelope: envelope as unknown as Envelope, data: bytes.subarray(end) }
  } catch {
    return undefined
  }
}

/** A view of bytes, without a copy. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER), crc32(bytes.subarray(1, 3)))
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isTuples(value: unknown, ...checks: ((item: unknown) => boolean)[]): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MEMORY &&
    value.every((tuple: unknown) => Array.isArray(tuple) && checks.every((check, i) => check(tuple[i])))
  )
}

import { crc32 } from 'node:zlib'

/** A secret that was valid before. */
export interface Earlier {
  readonly digest: Uint8Array
  /** Until when it reads, writes and ends the session all the same. */
  readonly keptUntil: number
  /** Until when it is told from an unknown one. */
  readonly knownUntil: number
}

/** A logical write that the record remembers, with the revision that it made. */
export interface WriteMark {
  readonly id: string
  readonly revision: number
}

/** What core keeps in a record's payload. Times in ms since the epoch, lifetimes in ms. */
export interface Envelope {
  /** True: nothing but a sign that the session moved on by `login`. */
  readonly marker: boolean
  readonly persistent: boolean
  readonly createdAt: number
  readonly authenticatedAt: number | undefined
  readonly absoluteAt: number
  /** 0: does not slide. */
  readonly idleTimeout: number
  /** SHA-256 of the secret that is valid now. */
  readonly digest: Uint8Array
  /** Newest first, at most {@link MEMORY}. */
  readonly earlier: readonly Earlier[]
  /** Oldest first, at most {@link MEMORY}, without a gap. */
  readonly writes: readonly WriteMark[]
  readonly serializer: string
  readonly schemaVersion: number
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>>
  /** Serialized; empty for none. */
  readonly flash: Uint8Array
  /** Serialized. */
  readonly data: Uint8Array
}

/** How many earlier secrets, and how many writes, a record remembers. */
export const MEMORY = 8

const MAGIC = 0x53
const VERSION = 1
const HEADER = 7
const DIGEST = 32

/**
 * The frame of every payload, of this version and of later ones: a magic byte, the version, whether the body is sealed,
 * and a checksum, so that a newer format can be told from damage.
 */
export function frame(body: Uint8Array, sealed: boolean): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEADER + body.length)
  bytes[0] = MAGIC
  bytes[1] = VERSION
  bytes[2] = sealed ? 1 : 0
  bytes.set(body, HEADER)
  bytes.writeUInt32BE(checksum(bytes), 3)
  return bytes
}

/** Opens a frame. `damaged`: not ours, or changed. `unknown`: sound, and of a version that this code does not know. */
export function unframe(
  payload: Uint8Array,
): { readonly body: Uint8Array; readonly sealed: boolean } | 'damaged' | 'unknown' {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (bytes.length < HEADER || bytes[0] !== MAGIC || bytes.readUInt32BE(3) !== checksum(bytes)) return 'damaged'
  if (bytes[1] !== VERSION || bytes[2]! > 1) return 'unknown'
  return { body: bytes.subarray(HEADER), sealed: bytes[2] === 1 }
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER), crc32(bytes.subarray(1, 3)))
}

/** The bytes of an envelope. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const parts: Uint8Array[] = []
  const int = (value: number, size: number): void => {
    const bytes = Buffer.allocUnsafe(size)
    bytes.writeUIntBE(value, 0, size)
    parts.push(bytes)
  }
  const block = (bytes: Uint8Array, size: number): void => {
    int(bytes.length, size)
    parts.push(bytes)
  }
  const text = (value: string): void => block(Buffer.from(value), 2)
  int((envelope.marker ? 1 : 0) | (envelope.persistent ? 2 : 0) | (envelope.label === undefined ? 0 : 4), 1)
  int(envelope.createdAt, 6)
  int(envelope.authenticatedAt ?? 0, 6)
  int(envelope.absoluteAt, 6)
  int(envelope.idleTimeout, 6)
  parts.push(envelope.digest)
  int(envelope.earlier.length, 1)
  for (const { digest, keptUntil, knownUntil } of envelope.earlier) {
    parts.push(digest)
    int(keptUntil, 6)
    int(knownUntil, 6)
  }
  int(envelope.writes.length, 1)
  for (const { id, revision } of envelope.writes) {
    text(id)
    int(revision, 6)
  }
  text(envelope.serializer)
  int(envelope.schemaVersion, 4)
  text(envelope.label ?? '')
  const hints = Object.entries(envelope.client)
  int(hints.length, 1)
  for (const [name, value] of hints) {
    text(name)
    text(value)
  }
  block(envelope.flash, 4)
  parts.push(envelope.data)
  return Buffer.concat(parts)
}

/** Reads an envelope; undefined for bytes that are none. Takes no more memory than the bytes themselves. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  // Past the end these throw a RangeError: caught below, once for all.
  const int = (size: number): number => buffer.readUIntBE((at += size) - size, size)
  const block = (length: number): Buffer => {
    if (at + length > buffer.length) throw new RangeError()
    return buffer.subarray(at, (at += length))
  }
  const text = (): string => block(int(2)).toString()
  const list = <T>(most: number, item: () => T): T[] => {
    const length = int(1)
    if (length > most) throw new RangeError()
    return Array.from({ length }, item)
  }
  try {
    const flags = int(1)
    return {
      marker: (flags & 1) !== 0,
      persistent: (flags & 2) !== 0,
      createdAt: int(6),
      authenticatedAt: int(6) || undefined,
      absoluteAt: int(6),
      idleTimeout: int(6),
      digest: block(DIGEST),
      earlier: list(MEMORY, () => ({
        digest: block(DIGEST),
        keptUntil: int(6),
        knownUntil: int(6),
      })),
      writes: list(MEMORY, () => ({ id: text(), revision: int(6) })),
      serializer: text(),
      schemaVersion: int(4),
      label: ((label) => ((flags & 4) !== 0 ? label : undefined))(text()),
      client: Object.fromEntries(list(255, () => [text(), text()] as const)),
      flash: block(int(4)),
      data: buffer.subarray(at),
    }
  } catch {
    return undefined
  }
}

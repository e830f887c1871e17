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
  /** 1: nothing but a sign that the session moved on by `login`. */
  readonly marker: number
  /** 0: the cookie goes when the browser closes. */
  readonly persistent: number
  readonly createdAt: number
  /** 0: nobody signed in. */
  readonly authenticatedAt: number
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
  /** Empty: none. */
  readonly label: string
  /** Hints as a flat list: name, value, name, value. */
  readonly client: readonly string[]
  /** Serialized; empty: none. */
  readonly flash: Uint8Array
  /** Serialized. */
  readonly data: Uint8Array
}

/** How many earlier secrets, and how many writes, a record remembers. */
export const MEMORY = 8

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
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (bytes.length < HEADER || bytes[0] !== MAGIC || bytes.readUInt32BE(3) !== checksum(bytes)) return undefined
  const sealed = bytes[2] === 1
  return bytes[1] === VERSION && bytes[2]! < 2 ? { body: bytes.subarray(HEADER), sealed } : { sealed }
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER), crc32(bytes.subarray(1, 3)))
}

/** One way through an envelope's bytes: a writer takes each value, a reader answers it. */
interface Way {
  int(value: number, size: number): number
  /** `size`: of the length in front; 0: none, 32 bytes. */
  bytes(value: Uint8Array, size: number): Buffer
}

const NO_BYTES = Buffer.alloc(0)
const NOTHING: Envelope = {
  marker: 0,
  persistent: 0,
  createdAt: 0,
  authenticatedAt: 0,
  absoluteAt: 0,
  idleTimeout: 0,
  digest: NO_BYTES,
  earlier: [],
  writes: [],
  serializer: '',
  schemaVersion: 0,
  label: '',
  client: [],
  flash: NO_BYTES,
  data: NO_BYTES,
}

/** The format: the order of the properties is the order of the bytes. */
function along({ int, bytes }: Way, envelope: Envelope): Envelope {
  const time = (value: number): number => int(value, 6)
  const text = (value: string): string => bytes(Buffer.from(value), 2).toString()
  const list = <T>(items: readonly T[], most: number, each: (item?: T) => T): T[] => {
    const length = int(items.length, 1)
    if (length > most) throw new RangeError()
    return Array.from({ length }, (_, i) => each(items[i]))
  }
  return {
    marker: int(envelope.marker, 1),
    persistent: int(envelope.persistent, 1),
    createdAt: time(envelope.createdAt),
    authenticatedAt: time(envelope.authenticatedAt),
    absoluteAt: time(envelope.absoluteAt),
    idleTimeout: time(envelope.idleTimeout),
    digest: bytes(envelope.digest, 0),
    earlier: list(envelope.earlier, MEMORY, (item) => ({
      digest: bytes(item?.digest ?? NO_BYTES, 0),
      keptUntil: time(item?.keptUntil ?? 0),
      knownUntil: time(item?.knownUntil ?? 0),
    })),
    writes: list(envelope.writes, MEMORY, (item) => ({
      id: text(item?.id ?? ''),
      revision: time(item?.revision ?? 0),
    })),
    serializer: text(envelope.serializer),
    schemaVersion: int(envelope.schemaVersion, 4),
    label: text(envelope.label),
    client: list(envelope.client, 32, (item) => text(item ?? '')),
    flash: bytes(envelope.flash, 4),
    data: bytes(envelope.data, 4),
  }
}

/** The bytes of an envelope. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const parts: Uint8Array[] = []
  const int = (value: number, size: number): number => {
    const part = Buffer.allocUnsafe(size)
    part.writeUIntBE(value, 0, size)
    parts.push(part)
    return value
  }
  along(
    {
      int,
      bytes(value, size) {
        if (size) int(value.length, size)
        parts.push(value)
        return NO_BYTES
      },
    },
    envelope,
  )
  return Buffer.concat(parts)
}

/** Reads an envelope; undefined for bytes that are none. Takes no more memory than the bytes themselves. */
export function decodeEnvelope(buffer: Buffer): Envelope | undefined {
  let at = 0
  // Past the end this throws a RangeError: caught below, once for all.
  const int = (_: number, size: number): number => buffer.readUIntBE((at += size) - size, size)
  const bytes = (_: Uint8Array, size: number): Buffer => {
    const length = size ? int(0, size) : 32
    if (at + length > buffer.length) throw new RangeError()
    return buffer.subarray(at, (at += length))
  }
  try {
    const envelope = along({ int, bytes }, NOTHING)
    return at === buffer.length ? envelope : undefined
  } catch {
    return undefined
  }
}

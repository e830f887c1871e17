import { crc32 } from 'node:zlib'
import type { SessionsOptions } from '@sess/core'

const HEADER = 7

/** Options of sessions without a seal, whose envelopes the cases can read even if the harness has a seal. */
export const UNSEALED = { seal: undefined } as unknown as Partial<SessionsOptions>

/** The parts of an envelope that the cases read. */
interface Parsed {
  /** The values of the envelope, in the order of its JSON. */
  readonly values: unknown[]
  readonly serializer: unknown
  readonly data: Buffer
}

/** Returns the body of a payload, without its frame. */
export function body(payload: Uint8Array): Buffer {
  return Buffer.from(payload).subarray(HEADER)
}

/**
 * Frames a body as core does, with a valid checksum, for bodies that core would never write. A frame has a magic byte, the checksum
 * of the record's subject and of the rest, the version, whether the body is sealed, and the body.
 */
export function forge(
  bytes: Uint8Array,
  {
    version = 1,
    sealed = 0,
    subject = 'ann',
  }: { readonly version?: number; readonly sealed?: number; readonly subject?: string } = {},
): Uint8Array {
  const framed = Buffer.concat([Buffer.from([0x53, 0, 0, 0, 0, version, sealed]), bytes])
  framed.writeUInt32BE(crc32(framed.subarray(5), crc32(subject)), 1)
  return new Uint8Array(framed)
}

/** Opens an envelope that core wrote: its length, its values as a JSON array, the data. */
export function parsed(payload: Uint8Array): Parsed {
  const bytes = body(payload)
  const end = 4 + bytes.readUInt32BE()
  const values = JSON.parse(bytes.toString('utf8', 4, end)) as unknown[]
  return { values, serializer: values[9], data: bytes.subarray(end) }
}

/** Makes the body of an envelope of any values. @param length - The length in the body, which may be wrong. Default: the right length. */
export function envelope(values: unknown, data: Uint8Array, length?: number): Buffer {
  return written(JSON.stringify(values), data, length)
}

/** Makes the body of an envelope, like {@link envelope}, from JSON text: for JSON that no JavaScript value gives. */
export function written(json: string, data: Uint8Array, length: number = Buffer.byteLength(json)): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return Buffer.concat([size, Buffer.from(json), data])
}

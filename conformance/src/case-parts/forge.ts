import { crc32 } from 'node:zlib'
import type { SessionsOptions } from '@sess/core'

const HEADER = 7

/** Sessions whose envelopes can be read, whatever the harness seals the others with. */
export const UNSEALED = { seal: undefined } as unknown as Partial<SessionsOptions>

/** What of an envelope the cases look at. */
interface Parsed {
  /** The values of the envelope, as they lie in its JSON. */
  readonly values: unknown[]
  readonly serializer: unknown
  readonly data: Buffer
}

/** The body of a payload, without its frame. */
export function body(payload: Uint8Array): Buffer {
  return Buffer.from(payload).subarray(HEADER)
}

/**
 * Frames a body as core does, checksum and all: for bodies that core would never write. A magic byte, the checksum of
 * the record's subject and of what follows: the version, whether the body is sealed, the body.
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

/** The body of an envelope of any values, with a length that may be a lie. */
export function envelope(values: unknown, data: Uint8Array, length?: number): Buffer {
  return written(JSON.stringify(values), data, length)
}

/** As {@link envelope}, of the text of its JSON: for what no value of JavaScript would be written as. */
export function written(json: string, data: Uint8Array, length: number = Buffer.byteLength(json)): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(length)
  return Buffer.concat([size, Buffer.from(json), data])
}

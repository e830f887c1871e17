import { SessError } from '@sess/core'
import type { Reply } from './client.ts'

/*
 * Requests of the binary protocol, since memjs has no method for compare-and-set.
 * https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped
 */

const GET = 0x00
const ADD = 0x02
const REPLACE = 0x03
const GET_AND_TOUCH = 0x1d

/** The statuses of replies. */
export const OK = 0x00
export const NOT_FOUND = 0x01
export const EXISTS = 0x02
export const TOO_LARGE = 0x03
export const OUT_OF_MEMORY = 0x82

/** The smallest expiry that Memcached takes for seconds since 1970: 31 January 1970. */
const IN_THE_PAST = 30 * 24 * 60 * 60 + 1

const REQUEST = 0x80
const HEAD = 24
/** The offset of the request's number in the head. The reply repeats the number. */
const OPAQUE = 12
/** The offset of the token for compare-and-set in the head. */
const TOKEN = 16

/** One request. */
export interface Request {
  readonly opcode: number
  readonly bytes: Buffer
  /** The expected statuses. Any other status is a refusal. */
  readonly answers: readonly number[]
}

/** Reads an item. The reply is {@link OK} with the value and its token, or {@link NOT_FOUND}. */
export function get(key: string): Request {
  return request(GET, key, [OK, NOT_FOUND])
}

/** Stores an item if there is none. The reply is {@link OK} with the new token, or {@link EXISTS}. @param expiry - See `itemExpiry`. */
export function add(key: string, value: Uint8Array, expiry: number): Request {
  return request(ADD, key, [OK, EXISTS], value, expiry)
}

/**
 * Replaces an item if its token is unchanged. The reply is {@link OK} with the new token, {@link EXISTS} if the token has changed, or
 * {@link NOT_FOUND}. (A `set` with a token does the same, but removes the old item if there is no room for the new one.)
 */
export function replace(key: string, value: Uint8Array, expiry: number, token: Buffer): Request {
  const made = request(REPLACE, key, [OK, NOT_FOUND, EXISTS], value, expiry)
  checked(token).copy(made.bytes, TOKEN)
  return made
}

/** A copy of the token in a reply. @throws {SessError} `unsupported` if the server gives no tokens. */
export function tokenOf({ cas }: Reply<Buffer>['header']): Buffer {
  return Buffer.from(checked(cas))
}

/** Refuses an empty token, with which the server would store unconditionally. */
function checked(token: Buffer): Buffer {
  if (token.some((byte) => byte !== 0)) return token
  throw new SessError('unsupported', 'Memcached gives no tokens for compare-and-set; start it without -C')
}

/**
 * Deletes an item, and reads what it deletes, in one step: it reads the item and gives it an expiry in the past. (The protocol's `delete`
 * does not tell what it has deleted.) The reply is {@link OK} with the value, or {@link NOT_FOUND}.
 */
export function take(key: string): Request {
  return request(GET_AND_TOUCH, key, [OK, NOT_FOUND], undefined, IN_THE_PAST)
}

/** True for a request that writes nothing. */
export function asks({ opcode }: Request): boolean {
  return opcode === GET
}

/** Writes the number of a request into its bytes. */
export function number({ bytes }: Request, seq: number): void {
  bytes.writeUInt32BE(seq, OPAQUE)
}

function request(
  opcode: number,
  key: string,
  answers: readonly number[],
  value: Uint8Array = new Uint8Array(),
  expiry?: number,
): Request {
  // A request that stores has the item's flags, which are 0, before its expiry.
  const extras = expiry === undefined ? 0 : opcode === GET_AND_TOUCH ? 4 : 8
  const name = Buffer.from(key)
  const head = Buffer.alloc(HEAD + extras)
  head[0] = REQUEST
  head[1] = opcode
  head.writeUInt16BE(name.length, 2)
  head[4] = extras
  head.writeUInt32BE(extras + name.length + value.length, 8)
  if (expiry !== undefined) head.writeUInt32BE(expiry, HEAD + extras - 4)
  return { opcode, answers, bytes: Buffer.concat([head, name, value]) }
}

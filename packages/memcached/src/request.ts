import { SessError } from '@sess/core'
import type { Reply } from './client.ts'

/*
 * The binary protocol, of which memjs offers no compare-and-set.
 * https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped
 */

const GET = 0x00
const ADD = 0x02
const REPLACE = 0x03
const DELETE = 0x04

/** Statuses of replies. */
export const OK = 0x00
export const NOT_FOUND = 0x01
export const EXISTS = 0x02
export const TOO_LARGE = 0x03
export const OUT_OF_MEMORY = 0x82

const REQUEST = 0x80
const HEAD = 24
/** Of a number in the head that a reply repeats: the request's. */
const OPAQUE = 12
/** Of the token for compare-and-set in the head. */
const TOKEN = 16

/** One request. */
export interface Request {
  readonly opcode: number
  readonly bytes: Buffer
  /** The statuses that are an answer; any other is a refusal. */
  readonly answers: readonly number[]
}

/** Answers {@link OK} with the value and its token, or {@link NOT_FOUND}. */
export function get(key: string): Request {
  return request(GET, key, [OK, NOT_FOUND])
}

/** Stores where nothing is. Answers {@link OK} with the new token, or {@link EXISTS}. @param expiry - See `itemExpiry`. */
export function add(key: string, value: Uint8Array, expiry: number): Request {
  return request(ADD, key, [OK, EXISTS], value, expiry)
}

/**
 * Stores where the token is still the item's. Answers {@link OK} with the new token, {@link EXISTS} where it is another,
 * {@link NOT_FOUND}. (A `set` with a token does the same, but drops the old item when it has no room for the new.)
 */
export function replace(key: string, value: Uint8Array, expiry: number, token: Buffer): Request {
  const made = request(REPLACE, key, [OK, NOT_FOUND, EXISTS], value, expiry)
  checked(token).copy(made.bytes, TOKEN)
  return made
}

/** The token in a reply: a copy. @throws {SessError} `unsupported` where the server gives none. */
export function tokenOf({ cas }: Reply<Buffer>['header']): Buffer {
  return Buffer.from(checked(cas))
}

/** Without a token a server would store unconditionally. */
function checked(token: Buffer): Buffer {
  if (token.some((byte) => byte !== 0)) return token
  throw new SessError('unsupported', 'Memcached gives no tokens for compare-and-set; start it without -C')
}

/** Answers {@link OK} where there was something, or {@link NOT_FOUND}. */
export function remove(key: string): Request {
  return request(DELETE, key, [OK, NOT_FOUND])
}

/** True for one that changes nothing. */
export function asks({ opcode }: Request): boolean {
  return opcode === GET
}

/** Gives a request its number. */
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
  const extras = expiry === undefined ? 0 : 8
  const name = Buffer.from(key)
  const head = Buffer.alloc(HEAD + extras)
  head[0] = REQUEST
  head[1] = opcode
  head.writeUInt16BE(name.length, 2)
  head[4] = extras
  head.writeUInt32BE(extras + name.length + value.length, 8)
  if (expiry !== undefined) head.writeUInt32BE(expiry, HEAD + 4)
  return { opcode, answers, bytes: Buffer.concat([head, name, value]) }
}

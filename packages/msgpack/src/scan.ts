import { isUtf8 } from 'node:buffer'
import { LAST_TAG, type Limits } from './tags.ts'

/** The most tokens of one value: a tag is a map, its key, and its content. */
const TOKENS_PER_VALUE = 3
const PROTO = Buffer.from('__proto__')

/**
 * Checks MessagePack without making any value. It throws unless the bytes can be from this serializer: no extension types, no length
 * beyond the end of the bytes, depth and number of values within the limits, keys that are text (or one tag), and valid UTF-8. So
 * msgpackr, which reads the bytes next, interprets each byte in the same way.
 *
 * @returns True if no value has to be revived.
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function scan(bytes: Buffer, { maxDepth, maxValues }: Limits): boolean {
  let at = 0
  let left = maxValues * TOKENS_PER_VALUE
  let plain = true

  function skip(length: number): number {
    const from = at
    if (length > bytes.length - at) throw new Error('MessagePack ends too early')
    at += length
    return from
  }

  function text(length: number): void {
    const from = skip(length)
    for (let i = from; i < at; i++)
      if (bytes[i]! > 0x7f) {
        if (isUtf8(bytes.subarray(i, at))) return
        throw new Error('text is not UTF-8')
      }
    if (length === PROTO.length && PROTO.compare(bytes, from, at) === 0) plain = false
  }

  function binary(length: number): void {
    plain = false
    skip(length)
  }

  function array(length: number, depth: number): void {
    if (depth === 0) throw new Error('nested too deep')
    if (length > bytes.length - at) throw new Error('an array longer than the bytes that are left')
    for (let i = 0; i < length; i++) value(depth - 1)
  }

  function map(length: number, depth: number): void {
    if (length === 1 && bytes[at]! <= LAST_TAG) {
      plain = false
      at++
      // A tag must not hold another tag, so that nested tags cannot exceed the limit of depth.
      if (isMap(bytes[at]!)) throw new Error('a tag holds what it never does')
      return value(depth)
    }
    if (depth === 0) throw new Error('nested too deep')
    if (length > (bytes.length - at) / 2) throw new Error('a map longer than the bytes that are left')
    for (let i = 0; i < length; i++) {
      const token = bytes[at]!
      if (!((token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb))) throw new Error('a key is no text')
      value(depth)
      value(depth - 1)
    }
  }

  function value(depth: number): void {
    if (left-- === 0) throw new Error('too many values')
    const token = bytes[skip(1)]!
    if (token < 0x80 || token >= 0xe0) return
    if (token < 0x90) return map(token & 0x0f, depth)
    if (token < 0xa0) return array(token & 0x0f, depth)
    if (token < 0xc0) return text(token & 0x1f)
    switch (token) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return
      case 0xc4:
        return binary(bytes.readUInt8(skip(1)))
      case 0xc5:
        return binary(bytes.readUInt16BE(skip(2)))
      case 0xc6:
        return binary(bytes.readUInt32BE(skip(4)))
      case 0xcb:
        if (Number.isNaN(bytes.readDoubleBE(skip(8)))) throw new Error('NaN is never written')
        return
      case 0xcc:
      case 0xd0:
        return void skip(1)
      case 0xcd:
      case 0xd1:
        return void skip(2)
      case 0xce:
      case 0xd2:
        return void skip(4)
      case 0xd3:
        return void skip(8)
      case 0xd9:
        return text(bytes.readUInt8(skip(1)))
      case 0xda:
        return text(bytes.readUInt16BE(skip(2)))
      case 0xdb:
        return text(bytes.readUInt32BE(skip(4)))
      case 0xdc:
        return array(bytes.readUInt16BE(skip(2)), depth)
      case 0xdd:
        return array(bytes.readUInt32BE(skip(4)), depth)
      case 0xde:
        return map(bytes.readUInt16BE(skip(2)), depth)
      case 0xdf:
        return map(bytes.readUInt32BE(skip(4)), depth)
      default:
        throw new Error(`MessagePack type 0x${token.toString(16)} is never written`)
    }
  }

  value(maxDepth)
  if (at < bytes.length) throw new Error('more bytes than one value')
  return plain
}

function isMap(token: number): boolean {
  return (token >= 0x80 && token < 0x90) || token === 0xde || token === 0xdf
}

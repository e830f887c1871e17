import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

/** The first bytes of files of other formats. */
export const FORMATS: readonly (readonly [format: string, bytes: Uint8Array])[] = [
  ['gzip', Uint8Array.of(0x1f, 0x8b)],
  ['gzip with deflate', Uint8Array.of(0x1f, 0x8b, 0x08)],
  ['zlib', Uint8Array.of(0x78, 0x9c)],
  ['Zstandard', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)],
  ['LZ4', Uint8Array.of(0x04, 0x22, 0x4d, 0x18)],
  ['UTF-8 with a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf)],
  ['UTF-16', Uint8Array.of(0xff, 0xfe)],
  ['JSON', Buffer.from('{')],
  ['a JSON text', Buffer.from('"')],
  ['base64', Buffer.from('data:;base64,')],
  ['hex of PostgreSQL', Buffer.from(String.raw`\x`)],
  ['a serialized Java object', Uint8Array.of(0xac, 0xed, 0x00, 0x05)],
  ['a pickle', Uint8Array.of(0x80, 0x04)],
]

const TEXT = 'A text that is longer than its first line. '.repeat(40)

/** Whole files of other formats: a store that takes a payload for one of these finds no error in it. */
export const FILES: readonly (readonly [format: string, bytes: Uint8Array])[] = [
  ['gzip', gzipSync(TEXT)],
  ['zlib', deflateSync(TEXT)],
  ['deflate', deflateRawSync(TEXT)],
  ['brotli', brotliCompressSync(TEXT)],
  ['JSON', Buffer.from(' { "a" : [1.0, 2e1] }\n')],
  ['a JSON text', Buffer.from(JSON.stringify(TEXT))],
  ['null', Buffer.from('null')],
  ['a number', Buffer.from('007')],
  ['base64', Buffer.from(Buffer.from(TEXT).toString('base64'))],
  ['hex', Buffer.from(Buffer.from(TEXT).toString('hex'))],
  ['a text with white space around it', Buffer.from(` \t${TEXT}\r\n `)],
  ['a text that ends with NUL', Buffer.from(`${TEXT}\0\0`)],
]

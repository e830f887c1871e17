/**
 * What MessagePack itself has no type for is written as a map of one entry whose key is one of these numbers. The keys of
 * session data are always text, so it is never taken for data. No extension type is used: in msgpackr these are one table
 * for the whole process, which any other package may change.
 */
export const Tag = {
  /** A number: ms since the epoch. */
  date: 0,
  /** Text: a bigint of more than 64 bits, in hexadecimal. */
  bigint: 1,
  /** An array of keys and values in turn. */
  map: 2,
  /** An array. */
  set: 3,
  /** Bytes: UTF-16, little endian, of text with a lone surrogate, which UTF-8 cannot hold. */
  text: 4,
} as const

/** The largest of them. */
export const LAST_TAG: number = Tag.text

/** How much one serializer takes, both ways. */
export interface Limits {
  readonly maxDepth: number
  readonly maxValues: number
}

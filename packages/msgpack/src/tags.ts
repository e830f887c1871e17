/**
 * A value that has no type in MessagePack is written as a map with one entry, whose key is one of these numbers. Keys of session data are
 * always text, so such a map cannot be confused with data. Extension types are not used: msgpackr keeps them in one table for the whole
 * process, which any other package may change.
 */
export const Tag = {
  /** A number: ms since the epoch. */
  date: 0,
  /** Text: a bigint of more than 64 bits, in hexadecimal. */
  bigint: 1,
  /** An array in which keys and values alternate. */
  map: 2,
  /** An array of the items. */
  set: 3,
  /** Bytes: UTF-16, little endian, of text with a lone surrogate, which UTF-8 cannot hold. */
  text: 4,
} as const

/** The largest tag. */
export const LAST_TAG: number = Tag.text

/** The limits of a serializer, for writes and reads. */
export interface Limits {
  readonly maxDepth: number
  readonly maxValues: number
}

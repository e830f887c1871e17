import type { SessionKey } from '@sess/core'

/** The longest prefix: a key of Memcached has at most 250 bytes, of which a record needs 28. */
export const LONGEST_PREFIX = 222

/** The key of a record. */
export function recordKey(prefix: string, { tag, id }: SessionKey): string {
  return prefix + tag + id
}

/** The key of the epochs of a tag's subjects. No record has this key, with any prefix, because no id ends with `@`. */
export function epochsKey(prefix: string, tag: string): string {
  return `${prefix}${tag}@`
}

import type { SessionKey } from '@sess/core'

/** A key of Memcached has 250 bytes at most, and a record's has 28 of its own. */
export const LONGEST_PREFIX = 222

/** The key of a record. */
export function recordKey(prefix: string, { tag, id }: SessionKey): string {
  return prefix + tag + id
}

/** The key of the epochs of a tag's subjects. No record has it, whatever the prefixes: no id ends like this. */
export function epochsKey(prefix: string, tag: string): string {
  return `${prefix}${tag}@`
}

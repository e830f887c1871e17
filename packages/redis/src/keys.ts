import type { SessionKey } from '@sess/core'

/*
 * The tag is the hash tag, so that Redis Cluster keeps a subject's records and their index in one slot. It is the key's
 * first pair of braces, and two prefixes never give one key, because a prefix holds no brace.
 */

/** The key of a record. */
export function recordKey(prefix: string, { tag, id }: SessionKey): string {
  return `${prefix}{${tag}}${id}`
}

/** The key of the ZSET that names the records of the subjects of a tag. The scripts count on its being one longer than what stands before an id. */
export function indexKey(prefix: string, tag: string): string {
  return recordKey(prefix, { tag, id: '@' })
}

/** What SCAN matches: every record under a prefix, and nothing else. */
export function recordPattern(prefix: string): string {
  return recordKey(prefix.replaceAll(/[*?[\]\\]/g, '\\$&'), { tag: '?'.repeat(12), id: '?'.repeat(16) })
}

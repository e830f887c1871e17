/** A Vary field with one more name in it. */
export function varyWith(present: string | null | undefined, name: string): string {
  if (!present) return name
  const names = present.split(',').map((part) => part.trim())
  return names.some((part) => part === '*' || part.toLowerCase() === name.toLowerCase())
    ? present
    : `${present}, ${name}`
}

/** What lets shared caches keep a response, or a part of it: `private="x-name"` keeps only that field from them. */
const FOR_SHARED_CACHES = /^(?:public$|s-maxage\s*=|private\s*=)/i

/**
 * A Cache-Control field that keeps a response from shared caches: what allows them goes, the rest stays.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
 */
export function cacheControlWith(present: string | null | undefined, noStore: boolean): string {
  if (!present) return noStore ? 'private, no-store' : 'private'
  // A value may be a quoted string, with commas in it.
  const directives = (present.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [])
    .map((part) => part.trim())
    .filter((part) => part !== '' && !FOR_SHARED_CACHES.test(part))
  const has = (name: string): boolean => directives.some((part) => part.toLowerCase() === name)
  if (!has('private') && !has('no-store')) directives.unshift('private')
  if (noStore && !has('no-store')) directives.push('no-store')
  return directives.join(', ')
}

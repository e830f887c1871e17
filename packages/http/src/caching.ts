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
  const directives = directivesOf(present).filter((part) => !FOR_SHARED_CACHES.test(part))
  const has = (name: string): boolean => directives.some((part) => part.toLowerCase() === name)
  if (!has('private') && !has('no-store')) directives.unshift('private')
  if (noStore && !has('no-store')) directives.push('no-store')
  return directives.join(', ')
}

/**
 * True if a shared cache may hand the response to others than who asked: it was asked for by a method whose answers caches
 * store, and says neither `private`, `no-store` nor that it differs by cookie.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-3
 */
export function sharedCacheMayStore(
  method: string,
  sent: { readonly vary?: string | null | undefined; readonly 'cache-control'?: string | null | undefined },
): boolean {
  const directives = directivesOf(sent['cache-control'] ?? '').map((part) => part.toLowerCase())
  const names = (sent.vary ?? '').split(',').map((part) => part.trim().toLowerCase())
  return (
    /^(?:GET|HEAD)$/i.test(method) &&
    !directives.some((part) => part === 'private' || part === 'no-store') &&
    !names.some((name) => name === '*' || name === 'cookie')
  )
}

/** The directives of a Cache-Control field. A value may be a quoted string, with commas in it. */
function directivesOf(field: string): string[] {
  return (field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '')
}

/** Returns the Vary field with `name` added, if it is not there yet. */
export function varyWith(present: string | null | undefined, name: string): string {
  if (!present) return name
  const names = present.split(',').map((part) => part.trim())
  return names.some((part) => part === '*' || part.toLowerCase() === name.toLowerCase())
    ? present
    : `${present}, ${name}`
}

/** The directives that let shared caches store a response, or a part of it: `private="x-name"` protects only that field. */
const FOR_SHARED_CACHES = /^(?:public$|s-maxage\s*=|private\s*=)/i

/**
 * Returns a Cache-Control field that forbids shared caches to store the response: directives that allow it are removed, the other
 * directives are kept.
 *
 * @param noStore - Adds `no-store`, which forbids every cache to store the response.
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
 * True if a shared cache may store the response and send it to other users: the method is GET or HEAD, and the response has neither
 * `private` nor `no-store`, nor a Vary field with `Cookie` or `*`.
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

/** Splits a Cache-Control field into its directives. A value may be a quoted string that contains commas. */
function directivesOf(field: string): string[] {
  return (field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '')
}

import type { ServerResponse } from 'node:http'
import { fieldsOfBody, type PresentHeaders, type SessionHeaders } from '@sess/http'

const CACHING = /\r\n(?:vary|cache-control):/i

/**
 * Returns a rendered head with the session's fields added. Vary and Cache-Control replace the present fields, and Set-Cookie is added to
 * the present fields. If `fieldsFor` returns no fields, the head is returned unchanged.
 *
 * @param head - The status line and fields as text, with the empty line at the end.
 * @param fieldsFor - Called with the head's present fields; returns the session's fields.
 */
export function headWith(head: string, fieldsFor: (present: PresentHeaders) => SessionHeaders): string {
  const present: { vary?: string; 'cache-control'?: string } = {}
  let rest = head.slice(0, -2)
  if (CACHING.test(head)) {
    const kept: string[] = []
    for (const line of head.slice(0, -4).split('\r\n')) {
      const colon = line.indexOf(':')
      const name = line.slice(0, Math.max(0, colon)).toLowerCase()
      if (name !== 'vary' && name !== 'cache-control') kept.push(line)
      else {
        const value = line.slice(colon + 1).trim()
        present[name] = present[name] === undefined ? value : `${present[name]}, ${value}`
      }
    }
    rest = `${kept.join('\r\n')}\r\n`
  }
  const { vary, 'cache-control': caching, 'set-cookie': cookies = [] } = fieldsFor(present)
  if (vary === undefined || caching === undefined) return head
  const set = cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join('')
  return `${rest}Vary: ${vary}\r\nCache-Control: ${caching}\r\n${set}\r\n`
}

/** Resets the status, and removes the fields that describe the body. Fields that middleware sets for every response stay. */
export function withoutBody(res: ServerResponse): void {
  // Node remembers the removal even of an absent field, and then does not add Transfer-Encoding itself.
  for (const name of fieldsOfBody) if (res.hasHeader(name)) res.removeHeader(name)
  res.statusCode = 200
  res.statusMessage = ''
}

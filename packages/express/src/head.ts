import type { ServerResponse } from 'node:http'
import { fieldsOfBody, type PresentHeaders, type SessionHeaders } from '@sess/http'

const CACHING = /\r\n(?:vary|cache-control):/i

/**
 * Puts the session's fields into a head that has been rendered: Vary and Cache-Control in place of those that are there, and
 * Set-Cookie beside others. Without fields of the session the head stays as it is.
 *
 * @param head - Status and fields as text, with the empty line at its end.
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

/** Makes a response whose head has not left ready for another answer. What middleware set for any answer stays. */
export function withoutBody(res: ServerResponse): void {
  // Node remembers a removal, even of what was not there, and then leaves out its own Transfer-Encoding.
  for (const name of fieldsOfBody) if (res.hasHeader(name)) res.removeHeader(name)
  res.statusCode = 200
  res.statusMessage = ''
}

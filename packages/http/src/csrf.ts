import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'

const PURPOSE = 'csrf'
const NONCE_BYTES = 16
const TOKEN = /^[\w-]{64}$/

/**
 * Makes a token against cross-site request forgery, for a form or a header field: 64 base64url characters. {@link isCsrfToken} checks
 * the token. Most applications need no token, because {@link isCrossOrigin} recognizes forged requests without it.
 *
 * The token is an HMAC under a key that is derived from the session's secret. So the token is not stored, costs no round trip, and is
 * invalid for every other session. It is valid as long as the secret: until `login` or `regenerate` (and then for `keepOldFor`), or
 * until the session ends. In a request that calls `login` or `regenerate`, await that call first. Each call returns another text, so
 * that an attacker cannot guess the token from the size of compressed pages (BREACH).
 *
 * The next commit creates a new session, even if it is empty, and sets its cookie. That is one write and one record for each visitor who
 * gets a form. The call counts as use of the session, so no shared cache stores the page.
 *
 * @returns The token. If the request has no session to bind to (its secret was rotated away, or the session is gone), a token that
 *   {@link isCsrfToken} never accepts.
 * @throws {SessError} `response_started` for a new session after the response's head has left, because its cookie cannot be set any
 *   more; `session_destroyed`; `invalid_option` if the argument is not a session.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html#employing-hmac-csrf-tokens
 * @see https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x12-V3-Web-Frontend-Security.md (3.5.1)
 */
export function csrfToken<Data extends object>(session: Session<Data>): string {
  const binding = bindingOf(session)
  binding.markUsed()
  const key = binding.keyFor(PURPOSE) ?? randomBytes(32)
  const nonce = randomBytes(NONCE_BYTES)
  return Buffer.concat([nonce, macOf(key, nonce)]).toString('base64url')
}

/**
 * Returns true if {@link csrfToken} made this token for this session, under a secret that is still valid. If it returns false, refuse
 * the request with 403. The comparison takes constant time. Call it before the request's own `login` or `regenerate`. The call counts
 * as use of the session.
 *
 * @param token - The value from the request, of any type. A value that is not a token gives false.
 * @throws {SessError} `invalid_option` if the first argument is not a session.
 */
export function isCsrfToken<Data extends object>(session: Session<Data>, token: unknown): boolean {
  const binding = bindingOf(session)
  binding.markUsed()
  if (typeof token !== 'string' || !TOKEN.test(token)) return false
  const bytes = Buffer.from(token, 'base64url')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const mac = bytes.subarray(NONCE_BYTES)
  return binding
    .keysFor(PURPOSE)
    .map((key) => timingSafeEqual(mac, macOf(key, nonce)))
    .includes(true)
}

function macOf(key: Uint8Array, nonce: Uint8Array): Buffer {
  return createHmac('sha256', key).update(nonce).digest()
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session } from '@sess/core'
import { bindingOf } from '@sess/core/binding'

const PURPOSE = 'csrf'
const NONCE_BYTES = 16
const TOKEN = /^[\w-]{64}$/

/**
 * A token against cross-site request forgery, for a form or a header field: 64 base64url characters. {@link isCsrfToken} checks it.
 * Most applications need none, since {@link isCrossOrigin} tells such requests without a token.
 *
 * It is an HMAC under a key that follows from the session's secret, so it is stored nowhere, costs no round trip, and is worth
 * nothing with any other session. It ends when the secret does: with `login` and `regenerate` (as late as `keepOldFor` says), and with
 * the session. Call it behind them, and await them first. No two calls give the same text, which compression could give away (BREACH).
 *
 * A new session is created by the next commit, though it be empty, and gets its cookie: one write and one record for each visitor who
 * is shown a form. Counts as use of the session, so that no shared cache keeps the page.
 *
 * @returns For a request that has no session to bind to (its secret was rotated away, or the session is gone): a token that
 *   nothing accepts.
 * @throws {SessError} `response_started` for a new session, once the response's head has left: its cookie could not follow;
 *   `session_destroyed`; `invalid_option` for anything but a session.
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
 * Whether {@link csrfToken} made this token for this session, under a secret that is valid now. Refuse the request with 403
 * otherwise. Compares in constant time. Ask before the request's own `login` or `regenerate`. Counts as use of the session.
 *
 * @param token - What the request brought, of whatever type: anything but a token is false.
 * @throws {SessError} `invalid_option` for anything but a session.
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

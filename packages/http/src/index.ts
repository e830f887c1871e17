export type { CookieAttributes, CookieOptions } from './cookie-options.ts'
export { sessionCookie, type PresentHeaders, type SessionCookie, type SessionHeaders } from './session-cookie.ts'
export { commitUpgrade, isEncrypted, sessionResponse, type SessionResponseOptions } from './session-response.ts'
export { withSession, type WithSessionOptions } from './with-session.ts'

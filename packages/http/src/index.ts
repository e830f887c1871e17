export type { CookieAttributes, CookieOptions } from './cookie-options.ts'
export { sessionCookie, type PresentHeaders, type SessionCookie, type SessionHeaders } from './session-cookie.ts'
export { withSession } from './with-session.ts'

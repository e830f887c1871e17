/**
 * For authors of bindings: access to a session's cookie, commit and use, and to an application's sessions.
 *
 * @module
 */
export { checkOptions, type OptionNames } from './option-check.ts'
export {
  bindingOf,
  sessionsBindingOf,
  type CloseCookieOptions,
  type CookieChange,
  type SessionBinding,
  type SessionFailure,
  type SessionsBinding,
} from './session-binding.ts'

/**
 * For binding authors: what a response needs of a session, and what a binding needs of an application's sessions.
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

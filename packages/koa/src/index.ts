export { session, type SessionOptions } from './session.ts'
export type { Register, RegisteredSession } from './register.ts'

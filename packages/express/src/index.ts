export { session, type NodeRequest, type SessionOptions } from './session.ts'
export type { Register, RegisteredSession } from './register.ts'

export { session, type SessionOptions, type SessionVariables } from './session.ts'

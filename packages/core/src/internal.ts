/**
 * The parts of `createSessions`, for @sess packages that keep sessions elsewhere than in a store. These exports may change in any
 * release; semantic versioning does not cover them.
 *
 * @internal
 * @module
 */
export type { DecodedRecord } from './codec.ts'
export { unpack } from './codec.ts'
export { Context } from './context.ts'
export { decodeEnvelope, encodeEnvelope, frame, unframe } from './envelope.ts'
export type { AnyOptions } from './options.ts'
export { settingsOf, type Settings } from './settings.ts'
export type { Opened } from './record-access.ts'
export { LiveSession } from './session.ts'
export { viewOf } from './session-view.ts'
export { LiveSessions } from './sessions.ts'
export { handleOf } from './token.ts'

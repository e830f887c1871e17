export type * from "./api.ts";
export type * from "./store.ts";
export { SessError, type SessErrorCode } from "./error.ts";
export { createSessions } from "./sessions.ts";
export type { BaseOptions, KeyConflict, SessionsOptions } from "./options.ts";
export type { DataSchema, SchemaIssue, SchemaResult } from "./schema.ts";
export type { Leaves, Seal, Serializer, SerializerOption } from "./serializer.ts";
export { jsonSerializer } from "./json.ts";

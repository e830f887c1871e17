export { SessStore } from './sess-store.ts'
export type { SessStoreEvents, SessStoreOptions } from './options.ts'
export type { Callback, HostRequest, HostSession, HostStore, LoadedSession } from './host.ts'
export type { LegacyStore } from './legacy.ts'

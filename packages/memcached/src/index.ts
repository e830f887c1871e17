export { memcachedStore, type MemcachedStoreOptions } from './memcached-store.ts'
export type { MemcachedClient, MemcachedServer, Reply } from './client.ts'

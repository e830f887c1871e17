export { redisStore, type SingleRedisClient } from './redis-store.ts'
export { waitReplicas } from './wait-replicas.ts'
export type { Confirm, RedisStoreOptions } from './options.ts'

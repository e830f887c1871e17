export { redisClusterStore } from './redis-cluster-store.ts'
export { redisStore } from './redis-store.ts'
export { waitReplicas, type Confirm, type RedisStoreOptions } from '@sess/redis'
export type { NodeRedisClient, NodeRedisCluster, NodeRedisMaster, NodeRedisSentinel } from './client.ts'

export { redisClusterStore, type RedisClusterClient, type RedisClusterNode } from './redis-cluster-store.ts'

// What express-session and @fastify/session keep their sessions in: connect-redis, or SessStore over a store of @sess.
import { SessStore } from '@sess/express-session'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { givenStore } from './store.ts'

/** connect-redis on the Redis of REDIS_URL; or SessStore, where HOST_STORE says so, over the store that is given. */
export async function hostStore(): Promise<RedisStore | SessStore> {
  const { HOST_STORE, REDIS_URL } = process.env
  if (HOST_STORE === 'SessStore') return new SessStore({ store: await givenStore() })
  const client = createClient({ url: REDIS_URL! })
  await client.connect()
  return new RedisStore({ client })
}

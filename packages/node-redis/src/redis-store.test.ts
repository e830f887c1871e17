import { afterAll, beforeAll, test } from 'vitest'
import { startRedis, type TestServer } from '@sess/test-servers'
import { use } from '../../redis/test/use.ts'
import { clientOf } from '../test/client.ts'
import { redisStore } from './index.ts'

let server: TestServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

test.each([
  [6, 3],
  [6, 2],
  [5, 3],
  [5, 2],
] as const)('the store works with redis %d on RESP%d', async (major, RESP) => {
  const client = clientOf(server.port, { major, RESP })
  await use(redisStore(client))
  client.destroy()
})

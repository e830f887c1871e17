import { afterAll, beforeAll } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { startRedis, type TestServer } from '@sess/test-servers'
import { harnessOn } from '../test/harness.ts'

let redis: TestServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

conformance(harnessOn(() => redis.port))

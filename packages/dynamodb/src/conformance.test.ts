import { conformance } from '@sess/conformance/vitest'
import { startDynamodb, type TestServer } from '@sess/test-servers'
import { afterAll, beforeAll } from 'vitest'
import { harnessOn } from '../test/harness.ts'

let server: TestServer

beforeAll(async () => {
  server = await startDynamodb()
}, 120_000)
afterAll(() => server.stop())

// DynamoDB Local takes the ten thousand deletes of one case one by one.
conformance(
  harnessOn(() => server.port),
  { patience: 50_000 },
)

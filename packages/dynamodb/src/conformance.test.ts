import { conformance } from '@sess/conformance/vitest'
import { startDynamodb, type TestServer } from '@sess/test-servers'
import { afterAll, beforeAll } from 'vitest'
import { harnessOn } from '../test/harness.ts'

let server: TestServer

beforeAll(async () => {
  server = await startDynamodb()
}, 120_000)
afterAll(() => server.stop())

// One case revokes ten thousand sessions in one call: as many requests, each of which costs DynamoDB Local a millisecond or two.
conformance(
  harnessOn(() => server.port),
  { patience: 50_000 },
)

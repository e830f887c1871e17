import { conformance } from '@sess/conformance/vitest'
import { startDynamodb, type TestServer } from '@sess/test-servers'
import { afterAll, beforeAll } from 'vitest'
import { harnessOn } from '../test/harness.ts'

let server: TestServer

beforeAll(async () => {
  server = await startDynamodb()
}, 120_000)
afterAll(() => server.stop())

conformance(harnessOn(() => server.port))

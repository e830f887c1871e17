import { afterAll } from 'vitest'
import { conformance } from '@sess/conformance/vitest'
import { startMemcached } from '@sess/test-servers'
import { harnessOn } from '../test/harness.ts'

const server = await startMemcached()
afterAll(() => server.stop())

conformance(harnessOn(server))

import { startDynamodb } from '@sess/test-servers'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a DynamoDB Local listens that all test files share, each with tables of its own: none may stop it. */
    dynamodbPort: number
  }
}

/**
 * Starts DynamoDB Local once for the test files of this package: to start, and to compile what it runs most, takes it seconds
 * of processor time.
 *
 * @returns What stops it, when all have ended.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startDynamodb()
  provide('dynamodbPort', server.port)
  return () => server.stop()
}

import type { Serializer } from '@sess/core'
import type { Harness, RunOptions } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE, type BoundTest } from './binding.ts'
import { HarnessError } from './result.ts'

/** Of the globals of Jest, those that are called. */
interface JestGlobals {
  describe(name: string, define: () => void): void
  test(name: string, run: () => Promise<void>, timeout: number): void
  beforeAll(run: () => Promise<void>, timeout: number): void
  afterAll(run: () => Promise<void>, timeout: number): void
}

/** @throws {HarnessError} Where they are not there. */
function globals(): JestGlobals {
  const jest = globalThis as unknown as JestGlobals
  if (typeof jest.describe !== 'function' || typeof jest.beforeAll !== 'function')
    throw new HarnessError('the globals of Jest are not there: this binding runs under Jest, with injectGlobals on')
  return jest
}

/**
 * Runs the kit on a store, a Jest test for each case. Jest needs `node --experimental-vm-modules` for ES modules, and its
 * globals: `injectGlobals` must not be off. A test of Jest cannot say while it runs that it does not apply: it passes, and the
 * reason is printed.
 *
 * @throws {SessError} `invalid_option` for an option that there is not.
 * @throws {HarnessError} Where Jest's globals are not there.
 */
export function conformance(harness: Harness, options: RunOptions = {}): void {
  const jest = globals()
  const { name, begin, end, tests } = bind(harness, options)
  jest.describe(name, () => {
    jest.beforeAll(begin, TEST_PATIENCE)
    jest.afterAll(end, TEST_PATIENCE)
    for (const each of tests) jest.test(each.name, () => run(each), TEST_PATIENCE)
  })
}

/**
 * Runs the kit's cases for serializers.
 *
 * @throws {HarnessError} Where Jest's globals are not there.
 */
export function serializerConformance(serializer: Serializer): void {
  const jest = globals()
  const { name, tests } = bindSerializer(serializer)
  jest.describe(name, () => {
    for (const each of tests) jest.test(each.name, () => run(each), TEST_PATIENCE)
  })
}

async function run({ name, run: tried }: BoundTest): Promise<void> {
  const outcome = await tried()
  if (outcome.text !== undefined) console.info(`${name}\n  ${outcome.text}`)
}

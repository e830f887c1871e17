import type { Serializer } from '@sess/core'
import type { Harness, RunOptions } from './contract.ts'
import { bind, bindSerializer, TEST_PATIENCE, type BoundTest } from './binding.ts'
import { HarnessError } from './result.ts'

/** The globals of Jest that this binding calls. */
interface JestGlobals {
  describe(name: string, define: () => void): void
  test(name: string, run: () => Promise<void>, timeout: number): void
  beforeAll(run: () => Promise<void>, timeout: number): void
  afterAll(run: () => Promise<void>, timeout: number): void
}

/** Returns the globals of Jest. @throws {HarnessError} If they do not exist. */
function globals(): JestGlobals {
  const jest = globalThis as unknown as JestGlobals
  if (typeof jest.describe !== 'function' || typeof jest.beforeAll !== 'function')
    throw new HarnessError('the globals of Jest do not exist: this binding runs under Jest, with injectGlobals on')
  return jest
}

/**
 * Runs the kit on a store, with a Jest test for each case. Jest needs `node --experimental-vm-modules` for ES modules, and its
 * globals: `injectGlobals` must not be off. A test of Jest cannot skip itself while it runs: a case that does not apply passes, and
 * the reason is printed.
 *
 * @throws {SessError} `invalid_option` for an unknown option.
 * @throws {HarnessError} If Jest's globals do not exist.
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
 * Runs the kit's cases for serializers, with a Jest test for each case.
 *
 * @throws {HarnessError} If Jest's globals do not exist.
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

import { memoryStore } from '@sess/core'
import { afterEach, expect, test, vi } from 'vitest'
import { harness } from '../test/memory-harness.ts'
import { cases, HarnessError, serializerCases } from './index.ts'
import { conformance, serializerConformance } from './jest.ts'
import { serializer } from '../test/json-serializer.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

type Run = () => Promise<void>

/** Fake globals of Jest, and the arguments of their calls. */
function stubJest() {
  const tests = new Map<string, Run>()
  const before: Run[] = []
  const after: Run[] = []
  vi.stubGlobal('describe', (_: string, define: () => void) => define())
  vi.stubGlobal('test', (name: string, run: Run) => tests.set(name, run))
  vi.stubGlobal('beforeAll', (run: Run) => before.push(run))
  vi.stubGlobal('afterAll', (run: Run) => after.push(run))
  const run = (id: string): Promise<void> => tests.get([...tests.keys()].find((name) => name.startsWith(id))!)!()
  return { tests, before, after, run }
}

test('the Jest binding registers a test for each case, and hooks that begin and end the suite', async () => {
  const { tests, before, after } = stubJest()
  const called: string[] = []
  const note = (name: string) => async (): Promise<void> => void called.push(name)
  conformance({ ...harness, begin: note('begin'), end: note('end') })
  serializerConformance(serializer)
  expect(tests.size).toBe(1 + cases.length + serializerCases.length)
  for (const hook of [...before, ...after]) await hook()
  expect(called).toEqual(['begin', 'end'])
})

test('under Jest a case that does not apply passes and prints its reason', async () => {
  const info = vi.spyOn(console, 'info').mockReturnValue()
  const { run } = stubJest()
  conformance(harness)
  await run('the harness is sound')
  await run('round-trip/replace:')
  expect(info).not.toHaveBeenCalled()
  await run('races/increments-of-processes')
  expect(info).toHaveBeenCalledWith(expect.stringContaining('not applicable: the harness names no process module'))
})

test('under Jest a failing case rejects with the calls and how to run it again', async () => {
  const { run } = stubJest()
  const store = memoryStore()
  const broken = { ...store, replace: async () => 'replaced' as const }
  conformance({
    name: 'broken',
    open: async () => ({ store: broken, connect: async () => broken, close: async () => {} }),
  })
  await expect(run('round-trip/replace:')).rejects.toThrow(
    /replace\(key 1.*Again: sess-conformance HARNESS --case round-trip\/replace/s,
  )
})

test('outside Jest the binding throws an error that says so', () => {
  for (const name of ['describe', 'test', 'beforeAll', 'afterAll']) vi.stubGlobal(name, undefined)
  expect(() => conformance(harness)).toThrow(HarnessError)
  expect(() => serializerConformance(serializer)).toThrow('injectGlobals')
})

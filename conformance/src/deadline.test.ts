import { setTimeout as delay } from 'node:timers/promises'
import { memoryStore, type SessionStore } from '@sess/core'
import { expect, test } from 'vitest'
import { slowness, Stillness, within } from './deadline.ts'
import type { Faults } from './fault-switch.ts'
import { cases, runCase, runSuite, type Harness } from './index.ts'

/** The longest time of a call without progress in these tests, in ms. */
const PATIENCE = 150

/** A memory store with one replaced method. */
function withMethod<Name extends 'create' | 'read'>(
  name: Name,
  make: (sound: SessionStore) => SessionStore[Name],
): SessionStore {
  const sound = memoryStore()
  const own = make(sound)
  return new Proxy(sound, {
    get(_, property) {
      const value: unknown = property === name ? own : Reflect.get(sound, property)
      return typeof value === 'function' ? (value.bind(sound) as unknown) : value
    },
  })
}

/** A store whose reads take several times the longest time of a call, and make this many requests meanwhile. */
function slow(requestsOfARead: number): Harness {
  let requests = 0
  const faults: Faults = {
    offers: [],
    inject() {},
    heal: async () => {},
    struck: 0,
    get requests() {
      return requests
    },
  }
  const store = withMethod('read', (sound) => async (...args) => {
    const ms = 4 * PATIENCE * (await slowness())
    for (let i = 0; i < 20; i++) {
      await delay(ms / 20)
      if (i < requestsOfARead) requests++
    }
    return sound.read(...args)
  })
  return { name: 'slow', open: async () => ({ store, faults, connect: async () => store, close: async () => {} }) }
}

const item = cases.find(({ id }) => id === 'round-trip/empty-payload')!

test('a long call does not count as hanging while it makes requests', async () => {
  expect(await runCase(item, slow(20), { patience: PATIENCE })).toMatchObject({ status: 'pass' })
})

test('a call that makes no more requests counts as hanging', async () => {
  expect(await runCase(item, slow(2), { patience: PATIENCE })).toMatchObject({
    status: 'fail',
    error: { name: 'Hang', message: expect.stringMatching(/^read\(.*did not end within/) as string },
  })
})

test('a harness can lower the sizes of the scale cases, and the report shows the sizes', async () => {
  let created = 0
  const harness: Harness = {
    name: 'emulated',
    scale: 0.1,
    open: async () => {
      const store = withMethod('create', (sound) => (...args) => {
        created++
        return sound.create(...args)
      })
      return { store, connect: async () => store, close: async () => {} }
    },
  }
  const counted = cases.find(({ id }) => id === 'scale/ten-thousand-counted')!
  expect(await runCase(counted, harness)).toEqual({ status: 'pass' })
  expect(created).toBe(1000)
  expect(await runSuite(harness, { only: ['round-trip/empty-payload'] })).toMatchObject({ verdict: 'pass', scale: 0.1 })
  expect(await runSuite({ ...harness, scale: 2 })).toMatchObject({
    verdict: 'harness-error',
    problem: "the harness's scale must be above 0 and at most 1, and it is 2",
  })
})

test('stillness restarts at each change, and does not count time in which the process did not run', () => {
  let value = 1
  const still = new Stillness(() => value, 5)
  const block = (ms: number): void => {
    for (const end = performance.now() + ms; performance.now() < end;);
  }
  block(200)
  expect(still.look()).toBe(10)
  value = 2
  expect(still.look()).toBe(0)
  block(200)
  expect(still.look()).toBe(10)
})

test('the timeout of a harness call grows with the slowness of the machine', async () => {
  expect(await slowness()).toBeGreaterThanOrEqual(1)
  await expect(within(new Promise(() => {}), 20, 'open()')).rejects.toThrow(/^open\(\) did not end within [\d.]+ s$/)
})

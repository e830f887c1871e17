import { memoryStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { losingStore } from './losing-store.ts'
import { harnessOf, type HarnessParts, type Place } from './index.ts'

/** Parts that write down what is asked of them. */
function parts(place: Partial<Place> = {}): { asked: string[]; parts: HarnessParts } {
  const asked: string[] = []
  let clients = 0
  return {
    asked,
    parts: {
      name: 'noted',
      module: import.meta.url,
      connect: (argument) => {
        const number = ++clients
        asked.push(`connect ${argument}`)
        return { store: memoryStore(), close: async () => void asked.push(`close ${number}`) }
      },
      make: async () => ({ argument: 'here', remove: async () => void asked.push('remove'), ...place }),
    },
  }
}

describe('a harness of its parts', () => {
  test('connects each client to the place, closes them in their order, and removes the place last', async () => {
    const { asked, parts: given } = parts()
    const harness = harnessOf(given)
    const space = await harness.open()
    expect(await space.connect()).not.toBe(space.store)
    expect(space.argument).toBe('here')
    expect(harness.process).toEqual({ module: import.meta.url })
    await space.close()
    expect(asked).toEqual(['connect here', 'connect here', 'close 1', 'close 2', 'remove'])
  })

  test('leads the store on trial through the faults, and every other client past them', async () => {
    const { faults } = losingStore(memoryStore())
    const { asked, parts: given } = parts({ faulty: { faults, argument: 'through' } })
    const space = await harnessOf(given).open()
    await space.connect()
    expect(asked).toEqual(['connect through', 'connect here'])
    expect(space.faults).toBe(faults)
    expect(space.argument).toBe('here')
  })

  test('has one client where there is one process', async () => {
    const harness = harnessOf({ name: 'memory', connect: () => ({ store: memoryStore(), close: async () => {} }) })
    const space = await harness.open()
    expect(await space.connect()).toBe(space.store)
    expect(await harness.open()).not.toBe(space)
    expect(harness.process).toBeUndefined()
  })

  test('removes the place when no client can be had, or one cannot be closed', async () => {
    const { asked, parts: given } = parts()
    const refused = harnessOf({ ...given, connect: () => Promise.reject(new Error('too many clients')) })
    await expect(refused.open()).rejects.toThrow('too many clients')
    const stuck = harnessOf({
      ...given,
      connect: () => ({ store: memoryStore(), close: () => Promise.reject(new Error('busy')) }),
    })
    await expect((await stuck.open()).close()).rejects.toThrow('busy')
    expect(asked).toEqual(['remove', 'remove'])
  })

  test('passes on what else the author says', async () => {
    const deviations = { 'races/increments': { reason: 'none', issue: 'none' } }
    const { parts: given } = parts({ restart: async () => {} })
    const harness = harnessOf({ ...given, deviations, versions: async () => ({ driver: '1' }) })
    expect(harness.deviations).toBe(deviations)
    expect(await harness.versions!()).toEqual({ driver: '1' })
    expect(Object.keys(await harness.open())).toEqual(['store', 'argument', 'connect', 'restart', 'close'])
  })
})

import { memoryStore } from '@sess/core'
import { describe, expect, test } from 'vitest'
import { wireHarness } from '../test/wire/harness.ts'
import { losingStore } from './losing-store.ts'
import {
  bind,
  cases,
  harnessOf,
  runCase,
  runSuite,
  type Fault,
  type Harness,
  type HarnessParts,
  type Namespace,
} from './index.ts'

/** Parts of a harness that record their calls. */
function parts(place: Partial<Namespace> = {}): { asked: string[]; parts: HarnessParts } {
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

describe('a harness made of parts', () => {
  test('connects each client to the place, closes the clients in order, and removes the place last', async () => {
    const { asked, parts: given } = parts()
    const harness = harnessOf(given)
    const space = await harness.open()
    expect(await space.connect()).not.toBe(space.store)
    expect(space.argument).toBe('here')
    expect(harness.process).toEqual({ module: import.meta.url })
    await space.close()
    expect(asked).toEqual(['connect here', 'connect here', 'close 1', 'close 2', 'remove'])
  })

  test('connects the store on trial through the faults, and every other client around them', async () => {
    const { faults } = losingStore(memoryStore())
    const { asked, parts: given } = parts({ faulty: { faults, argument: 'through' } })
    const space = await harnessOf(given).open()
    await space.connect()
    expect(asked).toEqual(['connect through', 'connect here'])
    expect(space.faults).toBe(faults)
    expect(space.argument).toBe('here')
  })

  test('has one client if it has one process', async () => {
    const harness = harnessOf({ name: 'memory', connect: () => ({ store: memoryStore(), close: async () => {} }) })
    const space = await harness.open()
    expect(await space.connect()).toBe(space.store)
    expect(await harness.open()).not.toBe(space)
    expect(harness.process).toBeUndefined()
  })

  test('removes the place if a client cannot be connected or closed', async () => {
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

  test('passes on every other option of its author', async () => {
    const deviations = { 'races/increments': { reason: 'none', issue: 'none' } }
    const { parts: given } = parts({ restart: async () => {} })
    const harness = harnessOf({ ...given, deviations, versions: async () => ({ driver: '1' }) })
    expect(harness.deviations).toBe(deviations)
    expect(await harness.versions!()).toEqual({ driver: '1' })
    expect(Object.keys(await harness.open())).toEqual(['store', 'argument', 'connect', 'restart', 'close'])
  })
})

describe('begin and end of a harness', () => {
  function served({ fails }: { readonly fails?: 'begin' | 'open' | 'end' } = {}) {
    const asked: string[] = []
    const step = async (name: 'begin' | 'open' | 'end'): Promise<void> => {
      asked.push(name)
      if (name === fails) throw new Error(`${name} is out of order`)
    }
    const harness = harnessOf({
      name: 'served',
      connect: () => ({ store: memoryStore(), close: async () => {} }),
      begin: () => step('begin'),
      make: async () => {
        await step('open')
        return { argument: '' }
      },
      end: () => step('end'),
    })
    return { asked, harness }
  }
  const only = ['round-trip/missing', 'round-trip/delete']

  test('run once, before the first namespace and after the last', async () => {
    const { asked, harness } = served()
    expect(await runSuite(harness, { only })).toMatchObject({ verdict: 'pass' })
    expect(asked.filter((step) => step !== 'open')).toEqual(['begin', 'end'])
    expect([asked[0], asked.at(-1)]).toEqual(['begin', 'end'])
  })

  test.each([
    ['begin', 'begin() failed; it must resolve once the server takes connections: begin is out of order', ['begin']],
    ['open', 'open is out of order', ['begin', 'open', 'end']],
    ['end', 'end() failed; it must end what begin() began: end is out of order', undefined],
  ] as const)('%s() that fails is the harness’s fault', async (fails, sentence, steps) => {
    const { asked, harness } = served({ fails })
    const { verdict, problem } = await runSuite(harness, { only })
    expect({ verdict, problem }).toEqual({
      verdict: 'harness-error',
      problem: expect.stringContaining(sentence) as unknown,
    })
    if (steps) expect(asked).toEqual(steps)
  })

  test('are called by the runner in a bound suite', async () => {
    const { asked, harness } = served()
    const { name, begin, end, tests } = bind(harness)
    expect(name).toBe('served conforms')
    await begin()
    for (const { run } of tests.slice(0, 2)) expect(await run()).toEqual({ status: 'pass' })
    await end()
    expect(asked.filter((step) => step !== 'open')).toEqual(['begin', 'end'])
  })
})

describe('a harness that offers only some faults', () => {
  const offering = (...offers: Fault[]): Harness => {
    const whole = wireHarness()
    return {
      ...whole,
      open: async () => {
        const space = await whole.open()
        // The switch has private fields, so its methods need the right `this`.
        const faults = new Proxy(space.faults!, {
          get(target, name) {
            if (name === 'offers') return offers
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        })
        return { ...space, faults }
      },
    }
  }

  /** Cases without faults of the harness: the kit makes faults in front of the store, or the harness restarts, fills or demotes. */
  const WITHOUT_FAULTS = [
    'faults/restart',
    'faults/demoted',
    'faults/slow-answers',
    'faults/late-replace',
    'faults/history-of-cuts',
  ]

  test.each(
    cases
      .filter(({ clause }) => clause === 'faults')
      .flatMap((item) => [[item.id, [], item] as const, [item.id, ['down'], item] as const]),
  )('%s, offers: %j', { timeout: 300_000 }, async (id, offers, item) => {
    // No case may pass because its loop has no rounds, or wait for a fault that never strikes.
    const result = await runCase(item, offering(...offers), { patience: 5000, effort: 0.1 })
    expect(['pass', 'not-applicable']).toContain(result.status)
    if (item.subject === 'sessions' || WITHOUT_FAULTS.includes(id) || offers.length > 0) return
    expect(result).toMatchObject({
      status: 'not-applicable',
      evidence: expect.stringMatching(
        /^the (harness’s faults offer nothing, and none of|harness has no |store has no )/,
      ) as unknown,
    })
  })

  test.each(['subjects/lost-index-heals', 'subjects/index-is-reclaimed', 'subjects/index-after-create-over'])(
    '%s, no index',
    async (id) => {
      const item = cases.find((one) => one.id === id)!
      expect(await runCase(item, offering('down'))).toMatchObject({
        status: 'not-applicable',
        evidence: 'the harness has no index: subjects are looked up in the records themselves',
      })
    },
  )
})

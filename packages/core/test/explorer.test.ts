import { describe, expect, test } from 'vitest'
import { campaign } from './explorer/campaign.ts'
import { loadCore } from './explorer/core.ts'
import { deterministically } from './explorer/determinism.ts'
import { playLive } from './explorer/live.ts'
import { MUTANTS } from './explorer/mutants.ts'
import { writeMutant } from './explorer/mutate.ts'
import { STARTS } from './explorer/requests.ts'
import { pairs, sample, skewed, triples } from './explorer/scenarios.ts'
import { parseReplay, scenarioText, scheduleText } from './explorer/schedule.ts'
import { Stage } from './explorer/scheduler.ts'
import { wander } from './explorer/search.ts'

const SEED = Number(process.env['EXPLORER_SEED'] ?? 1)
const TRIPLES = 24
const SKEWED = 120
const LONG = { timeout: 1_500_000 }

describe('invariants 1 to 5 and 9 hold', () => {
  test.each(STARTS)(
    'at every interleaving of every pair of operations, with one answer lost, from a session that is %s',
    LONG,
    async (start) => {
      const scenarios = pairs().filter((scenario) => scenario.start === start)
      const { violations, ...coverage } = await campaign(await loadCore(), scenarios)
      expect(violations.join('\n')).toBe('')
      expect(coverage.scenarios).toBe(scenarios.length)
      expect(coverage.schedules).toBeGreaterThan(10_000)
    },
  )

  test(
    `at every interleaving of ${SKEWED} pairs in which one operation has a slow clock, seed ${SEED}`,
    LONG,
    async () => {
      const { violations, scenarios } = await campaign(await loadCore(), sample(skewed(), SKEWED, SEED))
      expect(violations.join('\n')).toBe('')
      expect(scenarios).toBe(SKEWED)
    },
  )

  test(`at every interleaving of ${TRIPLES} triples of operations, seed ${SEED}`, LONG, async () => {
    const { violations, scenarios } = await campaign(await loadCore(), sample(triples(), TRIPLES, SEED))
    expect(violations.join('\n')).toBe('')
    expect(scenarios).toBe(TRIPLES)
  })
})

describe('the explorer catches a core with one rule taken out, and passes the complete core', () => {
  test.each(MUTANTS)('$name', async (mutant) => {
    const core = await loadCore(await writeMutant(mutant))
    const { violations } = await campaign(core, [parseReplay(mutant.in).scenario], { mutant: mutant.name })
    expect(violations.join('\n')).toContain(`invariant ${mutant.breaks}:`)
  })

  test('the complete core passes every scenario that catches a broken core', LONG, async () => {
    const caught = new Map(
      MUTANTS.map((mutant) => parseReplay(mutant.in).scenario).map((scenario) => [scenarioText(scenario), scenario]),
    )
    // It has passed these above.
    for (const scenario of pairs()) caught.delete(scenarioText(scenario))
    const scenarios = [...caught.values()].toSorted((a, b) => STARTS.indexOf(a.start) - STARTS.indexOf(b.start))
    const { violations, scenarios: explored } = await campaign(await loadCore(), scenarios)
    expect(violations).toEqual([])
    expect(explored).toBe(caught.size)
  })
})

describe('the explorer itself', () => {
  test('predicts what live requests do', async () => {
    const core = await loadCore()
    const stage = new Stage(core)
    let seed = SEED
    const pick = (count: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((seed / 2 ** 32) * count)
    }
    await deterministically(async () => {
      for (const scenario of [
        ...sample(pairs(), 100, SEED),
        ...sample(skewed(), 50, SEED),
        ...sample(triples(), 100, SEED),
      ]) {
        const scene = await stage.scene(scenario)
        const { schedule, state } = await wander(scene, pick)
        const played = await playLive(core, scene.start, scenario, schedule)
        const text = `${scenarioText(scenario)} > ${scheduleText(schedule)}`
        expect(parseReplay(text), text).toEqual({ scenario, schedule })
        const ends = scenario.requests.map(({ seat }, i) => [seat, state.points[i]!.end] as const)
        expect(played.endings, text).toEqual(new Map(ends))
        expect(played.records, text).toEqual(state.records)
      }
    })
  })

  test('restores randomness and timers', async () => {
    const { setTimeout } = globalThis
    await deterministically(async () => expect(globalThis.setTimeout).not.toBe(setTimeout))
    expect(globalThis.setTimeout).toBe(setTimeout)
    const { randomBytes } = await import('node:crypto')
    expect(randomBytes(24)).not.toEqual(randomBytes(24))
  })

  test('refuses a replay that does not fit', () => {
    expect(() => parseReplay('nowhere: A commit')).toThrow('no start')
    expect(() => parseReplay('anonymous: A explode')).toThrow('no request')
    expect(() => parseReplay('anonymous: A commit > Z')).toThrow('no choice')
  })
})

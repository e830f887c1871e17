/** Explores many scenarios, one after the other. */
import type { Core } from './core.ts'
import { deterministically } from './determinism.ts'
import { invariants } from './invariants.ts'
import { report } from './report.ts'
import { Stage, type Scenario } from './scheduler.ts'
import { explore, type Coverage } from './search.ts'

/** The result of a campaign. */
export interface Findings extends Coverage {
  /** A report for each scenario with a violation: its shortest schedule. */
  readonly violations: string[]
}

/** When the trees have this many points, they are dropped and built again. */
const MOST_POINTS = 150_000

/** Explores scenarios, and stops after some violations. `progress` is called after each scenario. */
export async function campaign(
  core: Core,
  scenarios: readonly Scenario[],
  { most = 1, mutant, progress }: { most?: number; mutant?: string; progress?: (findings: Findings) => void } = {},
): Promise<Findings> {
  const checks = invariants(core)
  const findings: Findings = { states: 0, schedules: 0, scenarios: 0, violations: [] }
  let stage = new Stage(core)
  let last: Scenario | undefined
  for (const scenario of scenarios) {
    if (findings.violations.length >= most) break
    if (stage.points > MOST_POINTS || scenario.start !== last?.start) stage = new Stage(core)
    last = scenario
    await deterministically(async () => {
      const violation = await explore(stage, scenario, checks, findings)
      if (violation) findings.violations.push(await report(stage, violation, mutant))
    })
    progress?.(findings)
    // The explorer only uses microtasks, so let timers and messages run between two scenarios.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return findings
}

import { readFileSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The deadline of each test in a file that runs the kit, in ms. */
const KIT_PATIENCE = 1_500_000

/**
 * Runs the files first that may take longest, judged by the deadlines that they set: such a file would otherwise run alone at the end. The
 * order goes across projects, and needs no record of earlier runs, which a new clone does not have.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const patience = new Map(files.map((file) => [file, patienceOf(readFileSync(file.moduleId, 'utf8'))]))
    return files.toSorted((a, b) => patience.get(b)! - patience.get(a)! || (a.moduleId < b.moduleId ? -1 : 1))
  }
}

/** The longest deadline that a test file sets, in ms; 0 if it sets none. A deadline for the kit is added to the kit's own deadline. */
function patienceOf(text: string): number {
  const own = [...text.matchAll(/(?:[tT]imeout: |PATIENCE = |patience: |^}, )(\d+(?:_\d+)?)_000\b/gm)].map(
    ([, seconds]) => Number(seconds!.replace('_', '')) * 1000,
  )
  return Math.max(0, ...own) + (/^conformance\(/m.test(text) ? KIT_PATIENCE : 0)
}

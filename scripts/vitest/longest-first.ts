import { readFileSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What a file that runs the kit gives each of its tests, in ms. */
const KIT_PATIENCE = 300_000

/**
 * Begins with the files that may take longest, as the deadlines that they set say: one of them that began last would run
 * alone at the end. Across projects, and without a record of earlier runs, which a fresh clone does not have.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const patience = new Map(files.map((file) => [file, patienceOf(readFileSync(file.moduleId, 'utf8'))]))
    return files.toSorted((a, b) => patience.get(b)! - patience.get(a)! || (a.moduleId < b.moduleId ? -1 : 1))
  }
}

/** The longest deadline that a test file sets, in ms; 0 if it sets none. One that it gives the kit comes on top of the kit's. */
function patienceOf(text: string): number {
  const own = [...text.matchAll(/(?:[tT]imeout: |PATIENCE = |patience: |^}, )(\d+)_000\b/gm)].map(
    ([, seconds]) => Number(seconds) * 1000,
  )
  return Math.max(0, ...own) + (/^conformance\(/m.test(text) ? KIT_PATIENCE : 0)
}

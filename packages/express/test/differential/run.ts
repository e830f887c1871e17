import { assert, asyncProperty } from 'fast-check'
import { differences, Lab, sensible } from './lab.ts'
import { MIDDLEWARE, programs, STATES, type Middleware, type State } from './programs.ts'
import { PROMISES, type Row } from './promises.ts'

/** How many programs run at a time, each on a server of its own. */
const LANES = 16

/** How often a row was reached with a middleware in the stack, in a state of the session. */
export class Reached {
  programs = 0
  /** Programs that never end, without a session as well. */
  endless = 0
  readonly #cells = new Map<string, number>()

  note(rows: Iterable<Row>, stack: readonly Middleware[], state: State): void {
    this.programs++
    for (const row of rows)
      for (const name of stack) {
        const cell = `${row}|${name}|${state}`
        this.#cells.set(cell, this.of(row, name, state) + 1)
      }
  }

  of(row: Row, name: Middleware, state: State): number {
    return this.#cells.get(`${row}|${name}|${state}`) ?? 0
  }

  /** The smallest count of a row, over all middleware and states. */
  least(row: Row): number {
    return Math.min(...MIDDLEWARE.flatMap((name) => STATES.map((state) => this.of(row, name, state))))
  }

  total(row: Row): number {
    return MIDDLEWARE.reduce((sum, name) => sum + STATES.reduce((all, state) => all + this.of(row, name, state), 0), 0)
  }

  /** A table with a line for each row, whose cells name the counts for each state. */
  toString(): string {
    const head = `| row | promise | ${MIDDLEWARE.join(' | ')} |\n| --- | --- |${' --- |'.repeat(MIDDLEWARE.length)}`
    const lines = PROMISES.map(({ row, promise }) => {
      const cells = MIDDLEWARE.map((name) => STATES.map((state) => this.of(row, name, state)).join(' '))
      return `| ${row} | ${promise} | ${cells.join(' | ')} |`
    })
    return [head, ...lines].join('\n')
  }
}

/**
 * Runs random programs with the session and without, and compares.
 *
 * @param shrink - Whether to look for a smaller program once a difference is found.
 * @throws {Error} With the smallest program found that shows a difference.
 */
export async function compare(seed: number, runs: number, shrink = true): Promise<Reached> {
  const reached = new Reached()
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      await using lab = await Lab.open()
      const property = asyncProperty(programs, async (drawn) => {
        const program = sensible(drawn)
        const bare = await lab.run(program, false)
        // A handler may wait for what never comes, without a session too.
        if (!bare) return void reached.endless++
        const held = await lab.run(program, true)
        if (!held) throw new Error('with the session it never ends')
        const found = differences(program, bare, held)
        if (found.length) throw new Error(found.join('\n'))
        reached.note(held.rows, [...program.before, ...program.after], held.state)
      })
      await assert(property, { seed: seed + lane, numRuns: Math.ceil(runs / LANES), endOnFailure: !shrink })
    }),
  )
  return reached
}

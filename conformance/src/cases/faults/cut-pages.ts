import assert from 'node:assert/strict'
import { isSessError, type SessionKey } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { HarnessError } from '../../result.ts'
import { all, both, clause } from '../../case-parts/case.ts'
import { MANY, paged, PAGED, trialOf, type Paged, type Trial } from '../../case-parts/paged.ts'
import { harnessMakes, recovered, settle } from '../../case-parts/trouble.ts'

const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]
/** The requests of a call that are cut: each of the first few, and some of those of a call that makes many. */
const REQUESTS = [0, 1, 2, 3, 4, 6, 9, 14, 21, 32, 48, 72, 108, 162]

/** Loses the connection of a method at each of these requests. */
async function cutAt(context: CaseContext, name: Paged, cut: Fault): Promise<void> {
  const { store: it, faults } = context.faulty(...CUTS)
  const { now } = context
  const other = await context.space.connect()
  const removes = name === 'deleteSubject' || name === 'sweep'
  let trial: Trial | undefined
  for (const after of REQUESTS) {
    if (removes || !trial) trial = await trialOf({ ...context, store: other }, name, MANY)
    const { keys, open, total } = trial
    const pages: unknown[] = []
    const { struck } = faults
    faults.inject(cut, { after })
    const answer = await settle(
      (async () => {
        for await (const page of open(it)) pages.push(page)
      })(),
    )
    await faults.heal()
    await recovered(it, keys[0]!, now)
    const told = `${name}, ${cut} at request ${after + 1}`
    const isWhole = !('error' in answer)
    const found = total(pages)
    if (name === 'list' || name === 'all') {
      const ids = (pages as (readonly [SessionKey, unknown])[]).map(([{ id }]) => id)
      assert.equal(new Set(ids).size, ids.length, `${told}: it gave a session twice`)
    }
    if (isWhole) assert.ok(found === MANY || (removes && found === undefined), `${told}: ${found} of ${MANY}`)
    if (removes) {
      // Another client removes what is left, and so tells how much that was.
      const left = total(await all(open(other)))
      if (isWhole) assert.ok(!left, `${told}: it came to its end, and left ${left}`)
      if (found !== undefined && left !== undefined)
        assert.ok(found + left <= MANY, `${told}: it counted ${found}, and left ${left} of ${MANY}`)
    }
    if (faults.struck > struck) continue
    if (after === 0) throw new HarnessError(`${cut} never struck: the client must go through the proxy`)
    if (isWhole) break
    assert.ok(isSessError(answer.error), `${told}: it threw ${String(answer.error)}`)
  }
  if (!removes) await Promise.all(trial!.keys.map((at) => other.delete(at, now)))
}

/** Cases on methods that work in pages, whose connection is lost between two pages or in the middle of one. */
export const cutPages: readonly Case[] = [
  clause('faults', 'store', 'fault')(
    'cut-pages',
    'What works in several pages, and loses its connection at any of them, is whole or throws: it gives no session twice, counts each once, and counts none as removed that is left.',
    async (context) => {
      const { offers } = context.space.faults!
      for (const name of PAGED.filter((one) => one in context.store))
        for (const cut of CUTS.filter((fault) => offers.includes(fault))) await cutAt(context, name, cut)
    },
    both(harnessMakes(...CUTS), paged),
  ),
]

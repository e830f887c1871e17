import assert from 'node:assert/strict'
import type { SessionKey } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { HarnessError } from '../../result.ts'
import { all, both, clause } from '../../case-parts/case.ts'
import { eachMethod, MANY, paged, type Trial } from '../../case-parts/paged.ts'
import { harnessMakes, promised, recovered, settle } from '../../case-parts/trouble.ts'

const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]
/** The methods that read in pages. */
const READING = ['list', 'all', 'count'] as const
/** How much later each answer comes, in ms. */
const SLOW_MS = 40
/** The requests of a call that are cut: each of the first few, and some of those of a call that makes many. */
const REQUESTS = [0, 1, 2, 3, 8, 64]

/** Loses the connection of a call at one of its requests. It resolves to whether one was lost. */
async function cutOnce(context: CaseContext, trial: Trial, cut: Fault, after: number): Promise<boolean> {
  const { store: it, faults } = context.faulty(...CUTS)
  const { name, keys, open, total, fill } = trial
  const pages: unknown[] = []
  const { struck } = faults
  faults.inject(cut, { after })
  const answer = await settle(
    (async () => {
      for await (const page of open(it)) pages.push(page)
    })(),
  )
  await faults.heal()
  await recovered(it, keys[0]!, context.now)
  const isWhole = !('error' in answer)
  const found = total(pages)
  if (name === 'list' || name === 'all') {
    const ids = (pages as (readonly [SessionKey, unknown])[]).map(([{ id }]) => id)
    assert.equal(new Set(ids).size, ids.length, 'it gave a session twice')
  }
  // A store may be unable to tell how many went.
  if (isWhole) assert.ok(found === MANY || (found === undefined && name === 'deleteSubject'), `${found} of ${MANY}`)
  if (name === 'deleteSubject' || name === 'sweep') {
    const removed = await fill()
    if (isWhole) assert.equal(removed, MANY, 'it came to its end, and a record is left')
    assert.ok((found ?? 0) <= removed, `it counted ${found}, and removed ${removed}`)
    if (promised(answer) && found !== undefined)
      assert.equal(removed, found, 'it threw store_unavailable, and removed more than it had counted')
  }
  // A call may also fail because another connection of the client is not back yet.
  const isCut = faults.struck > struck || !isWhole
  if (!isCut && after === 0) throw new HarnessError(`${cut} never struck: the client must go through the proxy`)
  return isCut
}

/** Cases on methods that work in pages, whose connection is lost between two pages or in the middle of one. */
export const cutPages: readonly Case[] = [
  clause('faults', 'store', 'fault')(
    'cut-pages',
    'What works in several pages, and loses its connection at any of them, is whole or throws: it gives no session twice, counts each once, and counts what it has removed by then, and nothing else.',
    async (context) => {
      const { offers } = context.space.faults!
      // The records come and go through a client without faults.
      const other = { ...context, store: await context.space.connect() }
      await eachMethod(other, MANY, async (trial) => {
        for (const cut of CUTS.filter((fault) => offers.includes(fault)))
          for (const after of REQUESTS)
            try {
              if (!(await cutOnce(context, trial, cut, after))) break
            } catch (error) {
              if (error instanceof Error) error.message = `${cut} at request ${after + 1}: ${error.message}`
              throw error
            }
      })
    },
    both(harnessMakes(...CUTS), paged),
  ),
  clause('faults', 'store', 'fault')(
    'slow-pages',
    'What reads in pages is whole, however slowly each page comes.',
    async (context) => {
      const { store: it, faults } = context.faulty('slow')
      const other = { ...context, store: await context.space.connect() }
      const isWhole = async ({ open, total }: Trial): Promise<void> => {
        faults.inject('slow', { ms: SLOW_MS, times: Infinity })
        const found = total(await all(open(it)))
        await faults.heal()
        assert.equal(found, MANY)
      }
      await eachMethod(other, MANY, isWhole, READING)
    },
    both(harnessMakes('slow'), ({ store: it }) =>
      READING.some((name) => name in it) ? undefined : 'no method of the store reads in pages',
    ),
  ),
]

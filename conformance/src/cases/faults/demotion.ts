import assert from 'node:assert/strict'
import { isSessError, type SessErrorCode } from '@sess/core'
import { sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { all, clause, same } from '../../case-parts/case.ts'
import { recovered, settle, spare } from '../../case-parts/trouble.ts'

const store = clause('faults', 'store', 'fault')

const demotes: NonNullable<Case['requires']> = ({ space }) =>
  space.demotion
    ? undefined
    : 'the harness has no demotion: there is no server that becomes a replica and goes on to answer its old clients'

/** Expects each of these calls to fail with one of these codes, or with an error that is not a SessError. */
async function refused(
  calls: Readonly<Record<string, () => Promise<unknown>>>,
  codes: readonly SessErrorCode[],
): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    const answer = await settle(call())
    if (!('error' in answer)) assert.fail(`the server is a replica, and the ${name} answered ${shown(answer.value)}`)
    const { error } = answer
    // Core takes an error that is not a SessError for an outage.
    if (isSessError(error)) assert.ok(codes.includes(error.code), `the ${name} threw ${error.code}`)
  }
}

const shown = (answer: unknown): string =>
  typeof answer === 'object' ? 'with what the replica has' : JSON.stringify(answer)

/** The codes of a read and of a write. A driver may have sent a write to another server and lost the answer. */
const OF_READS: readonly SessErrorCode[] = ['store_unavailable']
const OF_WRITES: readonly SessErrorCode[] = ['store_unavailable', 'unknown_outcome']

/** Cases on a failover that keeps connections: the old master is a replica now, and still has sessions that ended on the new master. */
export const demotions: readonly Case[] = [
  store(
    'demoted',
    'After a replica has refused a write, no call is answered until the server is a master again; then all goes on.',
    async (context: CaseContext) => {
      const { store: it, space, key, record, now } = context
      const first = record({ subject: 'ann', payload: Buffer.from('first') })
      const [at, read] = await spare(context, first)
      const ann = { id: 'ann', tag: at.tag }
      const second = { ...read, revision: 2, payload: Buffer.from('second') }
      await space.demotion!.demote()
      try {
        await refused({ replace: () => it.replace(at, read, second, now) }, OF_WRITES)
        // The store must refuse all further calls, too, and not only the first.
        for (let round = 0; round < 3; round++)
          await refused(
            {
              read: () => it.read(at, now),
              'fresh read': () => it.read(at, now, { fresh: true }),
              'read of what is not there': () => it.read(key(), now),
              ...(it.list && { list: () => all(it.list!(ann, now)) }),
              ...(it.all && { 'list of all': () => all(it.all!(now)) }),
              ...(it.count && { count: () => sum(it.count!(now)) }),
            },
            OF_READS,
          )
        await refused(
          {
            create: () => it.create(key(), first, now),
            touch: () => it.touch(at, read, now + 120_000, now),
            delete: () => it.delete(at, now),
            'delete of what is not there': () => it.delete(key(), now),
            ...(it.deleteSubject && { deleteSubject: () => sum(it.deleteSubject!(ann, now)) }),
            ...(it.sweep && { sweep: () => sum(it.sweep!(now)) }),
          },
          OF_WRITES,
        )
      } finally {
        await space.demotion!.promote()
      }
      const still = await recovered(it, at, now)
      same(still, first, it)
      assert.equal(await it.replace(at, still, second, now), 'replaced')
      assert.equal((await it.read(at, now, { fresh: true }))?.revision, 2)
    },
    demotes,
  ),
]

import assert from 'node:assert/strict'
import type { ExpectedRecord, SessionKey } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { HarnessError } from '../../result.ts'
import { both, clause, revokes, sweeps } from '../../case-parts/case.ts'
import { payloadOf, promised, settle } from '../../case-parts/trouble.ts'

const store = clause('faults', 'store', 'fault')
/** More small writes than this must not fit after `full.fill()`. */
const MOST_WRITES = 5000

const fills: NonNullable<Case['requires']> = ({ space }) =>
  space.full ? undefined : 'the harness has no full: it cannot make the place where sessions are stored run full'

/** Fills the place where sessions are stored. Then it fills the room inside the store with smaller and smaller records. */
async function fillUp({ space, store: it, key, record, now }: CaseContext): Promise<void> {
  await space.full!.fill()
  let refusals = 0
  for (const size of [20_000, 900, 10])
    for (let writes = 0; ; writes++) {
      const answer = await settle(it.create(key(), record({ payload: Buffer.alloc(size, 'x') }), now))
      if ('error' in answer) {
        refusals++
        break
      }
      assert.equal(answer.value, true, 'a create under a new key says that there is a record')
      if (writes > MOST_WRITES) throw new HarnessError('after full.fill() the store took as much as before')
    }
  assert.equal(refusals, 3)
}

/** Runs a function while there is no room, and always frees the room afterwards. */
async function whileFull<T>(context: CaseContext, act: () => Promise<T>): Promise<T> {
  try {
    await fillUp(context)
    return await act()
  } finally {
    await context.space.full!.free()
  }
}

/** Makes a case on a write for which there is no room. */
function fullWrite(
  what: string,
  text: string,
  write: (context: CaseContext, key: SessionKey, record: ExpectedRecord) => Promise<unknown>,
  done: readonly unknown[],
  isDone: (record: ExpectedRecord | undefined, context: CaseContext) => boolean,
  requires?: NonNullable<Case['requires']>,
  isThereBefore = true,
): Case {
  return store(
    what,
    text,
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const at = key()
      const first = record({ subject: 'ann', payload: Buffer.from('first') })
      if (isThereBefore) await it.create(at, first, now)
      const read = isThereBefore ? (await it.read(at, now))! : asExpected(first)
      const [answer, seenFull] = await whileFull(context, async () => {
        const told = await settle(write(context, at, read))
        return [told, isDone(await other.read(at, now, { fresh: true }), context)] as const
      })
      const isThere = isDone(await other.read(at, now, { fresh: true }), context)
      if ('error' in answer) {
        // With an error that is not a SessError the outcome is unknown.
        if (promised(answer)) assert.ok(!isThere, 'it promised that nothing was written, and it was done')
      } else {
        assert.ok(done.includes(answer.value), `it answered ${String(answer.value)}`)
        assert.ok(seenFull && isThere, 'it was acknowledged, and another client does not see it')
      }
      // The same client works again.
      const [fresh, next] = [key(), record({ payload: Buffer.alloc(20_000) })]
      assert.equal(await it.create(fresh, next, now), true)
      assert.equal((await other.read(fresh, now, { fresh: true }))?.payload.length, 20_000)
      const current = await it.read(at, now, { fresh: true })
      if (current) assert.equal(await it.delete(at, now), true)
      assert.equal(await other.read(at, now, { fresh: true }), undefined)
    },
    both(fills, requires ?? (() => undefined)),
  )
}

/** Cases on writes without room, for stores whose place can run full. */
export const fullPlaces: readonly Case[] = [
  fullWrite(
    'full-create',
    'A create that finds no room is an error, and nothing was written; an acknowledged one is there.',
    ({ store: it, now }, at, record) => it.create(at, { ...record, payload: Buffer.from('second'.repeat(2000)) }, now),
    [true],
    (record) => record !== undefined,
    undefined,
    false,
  ),
  fullWrite(
    'full-replace',
    'A replace that finds no room is an error, and nothing was written; an acknowledged one is there.',
    ({ store: it, now }, at, read) =>
      it.replace(at, read, { ...read, revision: 2, payload: Buffer.from('second'.repeat(2000)) }, now),
    ['replaced'],
    (record) => payloadOf(record).startsWith('second'),
  ),
  fullWrite(
    'full-touch',
    'A touch that finds no room is an error, and moved nothing; an acknowledged one has moved the clock.',
    ({ store: it, now }, at, read) => it.touch(at, read, now + 120_000, now),
    ['touched'],
    (record, { now }) => (record?.expiresAt ?? 0) > now + 90_000,
  ),
  fullWrite(
    'full-delete',
    'A delete that finds no room is an error; an acknowledged one has deleted, for every client.',
    ({ store: it, now }, at) => it.delete(at, now),
    [true],
    (record) => record === undefined,
  ),
  fullWrite(
    'full-revocation',
    'A revocation that finds no room is an error; an acknowledged one has revoked, for every client.',
    ({ store: it, now }, { tag }) => sum(it.deleteSubject!({ id: 'ann', tag }, now)),
    [1, undefined],
    (record) => record === undefined,
    revokes,
  ),
  store(
    'full-sweep',
    'A sweep that finds no room is an error; an acknowledged one has removed as many as it says, and left nothing.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ended = record({ expiresAt: now - 100_000, payload: Buffer.alloc(3000, 'x') })
      for (let i = 0; i < 40; i++) await it.create(key(), ended, now - 160_000)
      const answer = await whileFull(context, () => settle(sum(it.sweep!(now))))
      const left = await sum(other.sweep!(now))
      if (!('error' in answer)) assert.deepEqual([answer.value, left], [40, 0])
      else if (promised(answer)) assert.equal(left, 40, 'it promised that nothing was removed, and something was')
    },
    both(fills, sweeps),
  ),
]

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Case, CaseContext } from '../contract.ts'
import { clause } from './case.ts'

const sessions = clause('hostile-bytes', 'sessions')

/** A session's cookie value, its key, and its record. */
async function valid({ sessions: open, store, now }: CaseContext) {
  const session = await open().load(undefined)
  session.data.list = [1, 'two', { three: null }]
  const { cookieValue } = await session.commit()
  const key = { tag: cookieValue!.slice(0, 12), id: cookieValue!.slice(12, 28) }
  return { cookieValue, key, record: (await store.read(key, now))! }
}

/** Puts each payload in the record's place, and expects a new session, an event, and no error. */
async function rejectAll(context: CaseContext, payloads: Iterable<Uint8Array>): Promise<void> {
  const { store, now } = context
  const { cookieValue, key, record } = await valid(context)
  const all = context.sessions()
  let last = record
  for (const payload of payloads) {
    const next = { ...last, revision: last.revision + 1, payload }
    assert.equal(await store.replace(key, next, last, now), 'replaced')
    last = next
    const reasons: string[] = []
    const stop = all.on('rejected', ({ reason }) => reasons.push(reason))
    assert.equal((await all.load(cookieValue)).status, 'new')
    stop()
    assert.deepEqual(reasons, ['undecodable'])
  }
}

/** What lies in the store may come from anybody. */
export const hostileBytes: readonly Case[] = [
  sessions('truncated', 'Every truncation of a valid payload is reported and gives a new session.', async (context) => {
    const { payload } = (await valid(context)).record
    await rejectAll(
      context,
      Array.from({ length: Math.min(payload.length, 200) }, (_, i) =>
        payload.slice(0, Math.floor((i * payload.length) / 200)),
      ),
    )
  }),
  sessions('flipped', 'A flipped bit anywhere in a payload is reported and gives a new session.', async (context) => {
    const { payload } = (await valid(context)).record
    await rejectAll(
      context,
      Array.from({ length: 100 }, (_, i) => {
        const bytes = new Uint8Array(payload)
        bytes[Math.floor((i * bytes.length) / 100)]! ^= 1 << (i % 8)
        return bytes
      }),
    )
  }),
  sessions('random', 'Random bytes are reported and give a new session.', (context) =>
    rejectAll(
      context,
      Array.from({ length: 50 }, (_, i) => new Uint8Array(randomBytes(i * 11))),
    ),
  ),
  sessions(
    'moved',
    'A payload moved to another record opens for nobody but its own secret’s holder, and never crosses subjects.',
    async (context) => {
      const { store, now } = context
      const [ann, bob] = [await valid(context), await valid(context)]
      await store.replace(ann.key, { ...ann.record, revision: 2, payload: bob.record.payload }, ann.record, now)
      assert.equal((await context.sessions().load(ann.cookieValue)).status, 'new')
    },
  ),
]

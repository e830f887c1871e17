import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import type { ExpectedRecord, SessionKey } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case, CaseContext } from '../../contract.ts'
import { all, clause, listed, restarts } from '../../case-parts/case.ts'
import { harnessMakes, payloadOf, promised, recovered, settle, spare, type Settled } from '../../case-parts/trouble.ts'

const store = clause('faults', 'store', 'fault')
/** The time in which a client notices that its connection is lost, and the time for which a server is then down, in ms. */
const [LOSS_MS, OUTAGE_MS] = [100, 500]

/** Calls of a server that is down. No call may answer. A call may wait for the server; core does not wait that long. */
class Outage {
  #answered: string | undefined
  #isBack = false

  async ask<T>(name: string, call: Promise<T>): Promise<Settled<T>> {
    const answer = await settle(call)
    if (!('error' in answer) && !this.#isBack) this.#answered ??= name
    return answer
  }

  /** Waits, and then checks that no call has answered. @param ms - In ms. */
  async passes(ms: number): Promise<void> {
    await setTimeout(ms)
    assert.equal(this.#answered, undefined, `${this.#answered} answered, and nobody could know`)
  }

  back(): void {
    this.#isBack = true
  }
}

/** Makes calls while the server is down or hangs. No call may answer during the outage, and afterwards all answers must be true. */
async function nobodyAnswers(context: CaseContext, trouble: 'down' | 'hang'): Promise<void> {
  const { key, record, now, space } = context
  const { store: it, faults } = context.faulty(trouble)
  const other = await space.connect()
  const made = (): Promise<[SessionKey, ExpectedRecord]> => spare(context, record({ payload: Buffer.from('first') }))
  const [[a, ra], [b, rb], [c]] = [await made(), await made(), await made()] as const
  const [d] = await spare(context, record({ subject: 'ann' }))
  const fresh = key()
  faults.inject(trouble)
  // The first call meets the loss of the connection, and the other calls meet a server that is down.
  const outage = new Outage()
  void outage.ask('read', it.read(a, now))
  await outage.passes(LOSS_MS)
  void outage.ask('read', it.read(b, now))
  const created = outage.ask('create', it.create(fresh, record(), now))
  const replaced = outage.ask('replace', it.replace(a, asExpected(ra), { ...ra, revision: 2 }, now))
  const touched = outage.ask('touch', it.touch(b, asExpected(rb), now + 120_000, now))
  const deleted = outage.ask('delete', it.delete(c, now))
  const revoked = it.deleteSubject && outage.ask('deleteSubject', sum(it.deleteSubject({ id: 'ann', tag: d.tag }, now)))
  void outage.ask('fresh read', it.read(b, now, { fresh: true }))
  if (it.count) void outage.ask('count', sum(it.count(now)))
  if (it.list) void outage.ask('list', listed(it, { id: 'ann', tag: a.tag }, now))
  if (it.all) void outage.ask('all', all(it.all(now)))
  if (it.sweep) void outage.ask('sweep', sum(it.sweep(now)))
  await outage.passes(OUTAGE_MS)
  outage.back()
  await faults.heal()
  await recovered(it, key(), now)
  const seen = (at: SessionKey): Promise<ExpectedRecord | undefined> => other.read(at, now, { fresh: true })
  const answers = await Promise.all([created, replaced, touched, deleted, ...(revoked ? [revoked] : [])])
  await setTimeout(100)
  const done = [
    (await seen(fresh)) !== undefined,
    (await seen(a))?.revision === 2,
    (await seen(b))?.expiresAt === now + 120_000,
    (await seen(c)) === undefined,
    (await seen(d)) === undefined,
  ]
  const names = ['create', 'replace', 'touch', 'delete', 'deleteSubject']
  for (const [i, name] of names.slice(0, answers.length).entries()) {
    if (promised(answers[i]!)) assert.ok(!done[i], `the ${name} threw store_unavailable, and was done later`)
    if (!('error' in answers[i]!)) assert.ok(done[i], `the ${name} answered, and was not done`)
  }
}

/** Cases on a server that is slow, is down, hangs, or has been restarted. */
export const outages: readonly Case[] = [
  store('slow-answers', 'A slow answer is as good as a quick one.', async (context) => {
    const { key, record, now } = context
    const { store: it, faults } = context.faulty('slow')
    const at = key()
    faults.inject('slow', { ms: 200 })
    assert.equal(await it.create(at, record(), now), true)
    const read = (await it.read(at, now))!
    faults.inject('slow', { ms: 200 })
    assert.equal(await it.replace(at, read, { ...read, revision: 2 }, now), 'replaced')
    faults.inject('slow', { ms: 200 })
    assert.equal((await it.read(at, now))?.revision, 2)
  }),
  store(
    'late-replace',
    'A replace that is sent before a delete, and arrives after it, brings nothing back.',
    async (context) => {
      const { key, record, now, space } = context
      const { store: it, faults } = context.faulty('late')
      const other = await space.connect()
      const at = key()
      await it.create(at, record(), now)
      const read = (await it.read(at, now))!
      const { struck } = faults
      faults.inject('late', { ms: 300 })
      const late = settle(it.replace(at, read, { ...read, revision: 2 }, now))
      while (faults.struck === struck) await setTimeout(1)
      await faults.heal()
      assert.equal(await other.delete(at, now), true)
      const answer = await late
      if (!('error' in answer)) assert.equal(answer.value, 'missing')
      await setTimeout(100)
      assert.equal(await other.read(at, now, { fresh: true }), undefined)
    },
  ),
  store(
    'down',
    'While the server is down no method answers, and no write that threw store_unavailable is applied later; then the client works again.',
    (context) => nobodyAnswers(context, 'down'),
    harnessMakes('down'),
  ),
  store(
    'hung',
    'While the server hangs no method answers, and no write that threw store_unavailable is applied later; then the client works again.',
    (context) => nobodyAnswers(context, 'hang'),
    harnessMakes('hang'),
  ),
  store(
    'restart',
    'After a restart the same client works again; no deleted record is back, and each record there is as it was written.',
    async ({ store: it, space, key, record, now }) => {
      const [kept, gone] = [key(), key()]
      const written = record({ payload: Buffer.from('kept'), expiresAt: now + 600_000 })
      await it.create(kept, written, now)
      await it.create(gone, written, now)
      assert.equal(await it.delete(gone, now), true)
      await space.restart!()
      const read = await recovered(it, kept, now)
      if (read) assert.deepEqual([payloadOf(read), read.revision, read.expiresAt], ['kept', 1, written.expiresAt])
      assert.equal(await it.read(gone, now, { fresh: true }), undefined)
      const at = key()
      assert.equal(await it.create(at, record(), now), true)
      assert.ok(await it.read(at, now, { fresh: true }))
    },
    restarts,
  ),
]

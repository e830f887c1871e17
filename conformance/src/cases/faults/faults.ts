import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { isSessError, type SessionStore } from '@sess/core'
import type { Case } from '../../contract.ts'
import type { Fault } from '../../fault-switch.ts'
import { losingStore } from '../../losing-store.ts'
import { clause } from '../../case-parts/case.ts'
import { harnessMakes } from '../../case-parts/trouble.ts'

const rule = clause('faults', 'sessions', 'fault')

const CUTS = ['cut-before', 'cut-after', 'cut-mid-reply'] as const satisfies readonly Fault[]

/** The `storeTimeout` of core in these cases, in ms. */
const STORE_TIMEOUT_MS = 250

/** Wraps a store, in which the calls of one method fail before or after the call arrives. */
function losing(
  store: SessionStore,
  method: keyof SessionStore,
  when: 'before' | 'after',
  times = Infinity,
): SessionStore {
  const { store: it, faults } = losingStore(store, method)
  faults.inject(`cut-${when}`, { times })
  return it
}

/** Cases on sessions over a store whose calls fail. */
export const faults: readonly Case[] = [
  rule(
    'outage-at-load',
    'A store that cannot answer rejects the load: an outage is not a logout.',
    async ({ sessions, faulty, now }) => {
      const { store: it, faults } = faulty('down')
      const open = sessions({ now }, it, { storeTimeout: `${STORE_TIMEOUT_MS}ms` })
      const session = await open.load(undefined)
      session.data.a = 1
      const { cookieValue } = await session.commit()
      faults.inject('down')
      await assert.rejects(open.load(cookieValue), { code: 'store_unavailable' })
      await faults.heal()
      assert.equal((await again(() => open.load(cookieValue))).status, 'active')
    },
  ),
  rule(
    'lost-answer-counts-once',
    'An update whose answer is lost is applied once, whether it had arrived or not.',
    async ({ sessions: open, store, now }) => {
      for (const when of ['before', 'after'] as const) {
        const first = await open().load(undefined)
        first.data.n = 0
        const { cookieValue } = await first.commit()
        const session = await open({ now }, losing(store, 'replace', when, 1)).load(cookieValue)
        assert.equal((await session.update((data) => void (data.n = Number(data.n) + 1))).status, 'saved')
        assert.equal((await open().load(cookieValue)).data.n, 1)
      }
    },
  ),
  rule(
    'unknown-outcome-settles',
    'After unknown_outcome another commit settles the same write.',
    async ({ sessions: open, store, now }) => {
      for (const when of ['before', 'after'] as const) {
        const first = await open().load(undefined)
        first.data.n = 0
        const { cookieValue } = await first.commit()
        const session = await open({ now }, losing(store, 'replace', when, 2)).load(cookieValue)
        session.data.n = 1
        await assert.rejects(session.commit(), { code: 'unknown_outcome' })
        assert.equal((await session.commit()).status, 'saved')
        assert.deepEqual((await open().load(cookieValue)).data, { n: 1 })
      }
    },
  ),
  rule(
    'lost-create',
    'A create whose answer is lost is made anew under another key; a logout then ends what the browser holds.',
    async ({ sessions: open, store, now }) => {
      const it = open({ now }, losing(store, 'create', 'after', 1))
      const session = await it.load(undefined)
      session.data.a = 1
      const { cookieValue } = await session.commit()
      await (await it.load(cookieValue)).logout()
      assert.equal((await it.load(cookieValue)).status, 'new')
    },
  ),
  rule(
    'lost-delete',
    'A logout whose answer is lost is sent again, and ends the session.',
    async ({ sessions: open, store, now }) => {
      for (const when of ['before', 'after'] as const) {
        const first = await open().load(undefined)
        first.data.a = 1
        const { cookieValue } = await first.commit()
        await (await open({ now }, losing(store, 'delete', when, 1)).load(cookieValue)).logout()
        assert.equal((await open().load(cookieValue)).status, 'new')
      }
    },
  ),
  rule(
    'outage-at-write',
    'While the store is down a commit and a logout throw; once it is up again each of them takes effect, once.',
    async (context) => {
      const { store: it, faults } = context.faulty('down')
      const open = context.sessions({ now: context.now }, it, { storeTimeout: `${STORE_TIMEOUT_MS}ms` })
      const first = await open.load(undefined)
      first.data.n = 0
      const { cookieValue } = await first.commit()
      const session = await open.load(cookieValue)
      session.data.n = 1
      faults.inject('down')
      await assert.rejects(session.commit(), isTyped)
      const leaving = open.load(cookieValue)
      await assert.rejects(leaving, { code: 'store_unavailable' })
      await faults.heal()
      assert.equal((await again(() => session.commit())).status, 'saved')
      const last = await again(() => open.load(cookieValue))
      assert.deepEqual(last.data, { n: 1 })
      faults.inject('down')
      await assert.rejects(last.logout(), isTyped)
      await faults.heal()
      await again(() => last.logout())
      assert.equal((await again(() => open.load(cookieValue))).status, 'new')
    },
  ),
  rule(
    'cut-update',
    'An update whose connection is lost counts once, whatever was lost, and a later commit says so.',
    async (context) => {
      const { store: it, faults } = context.faulty(...CUTS)
      const open = context.sessions({ now: context.now }, it)
      // A write has one request or more. Each request is lost once.
      const kinds = CUTS.filter((fault) => faults.offers.includes(fault))
      for (const [cut, after] of kinds.flatMap((fault) => [0, 1, 2].map((passing) => [fault, passing] as const))) {
        const first = await again(() => open.load(undefined))
        first.data.n = 0
        const { cookieValue } = await first.commit()
        const session = await again(() => open.load(cookieValue))
        faults.inject(cut, { after })
        try {
          await session.update((data) => void (data.n = Number(data.n) + 1))
        } catch (error) {
          assert.ok(isTyped(error), String(error))
          await faults.heal()
          await again(() => session.commit())
        }
        await faults.heal()
        const { n } = (await again(() => open.load(cookieValue))).data
        assert.ok(n === 1 || n === 0, `counted ${String(n)} times`)
        if (session.data.n === 1) assert.equal(n, 1)
      }
    },
  ),
  rule(
    'corrupt-answer',
    'A session whose bytes were changed on the way is an error or a new session, never another’s or a crash.',
    async (context) => {
      const { store: it, faults } = context.faulty('corrupt-reply')
      const open = context.sessions({ now: context.now }, it)
      const first = await open.load(undefined)
      first.data.text = 'a session that is long enough to be hit in its middle'.repeat(20)
      const { cookieValue } = await first.commit()
      for (let i = 0; i < context.rounds(10); i++) {
        faults.inject('corrupt-reply')
        const loaded = await open.load(cookieValue).catch((error: Error) => error)
        if (loaded instanceof Error) assert.ok(isTyped(loaded), String(loaded))
        else if (loaded.status === 'active') assert.equal(loaded.data.text, first.data.text)
        else assert.equal(loaded.status, 'new')
        const { data } = await again(() => open.load(cookieValue))
        assert.equal(data.text, first.data.text)
      }
    },
    harnessMakes('corrupt-reply'),
  ),
]

function isTyped(error: unknown): boolean {
  return isSessError(error, 'store_unavailable', 'unknown_outcome')
}

/** Retries a call until the store works again. */
async function again<T>(run: () => Promise<T>): Promise<T> {
  for (let left = 1000; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left === 0 || !isTyped(error)) throw error
      await setTimeout(10)
    }
  }
}

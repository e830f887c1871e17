import assert from 'node:assert/strict'
import type { SessionStore } from '@sess/core'
import type { Case } from '../contract.ts'
import { clause } from './case.ts'

const sessions = clause('faults', 'sessions')

/** The store, with one method that loses its answers: before the call arrives, or after. */
function losing(
  store: SessionStore,
  method: keyof SessionStore,
  when: 'before' | 'after',
  times = Infinity,
): SessionStore {
  let left = times
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        if (name !== method || left <= 0) return (await value.apply(target, args)) as unknown
        left--
        if (when === 'after') await value.apply(target, args)
        throw new Error('the connection was lost')
      }
    },
  })
}

/** Answers that are lost on the way. */
export const faults: readonly Case[] = [
  sessions(
    'outage-at-load',
    'A store that cannot answer rejects the load: an outage is not a logout.',
    async ({ sessions: open, store, now }) => {
      const session = await open().load(undefined)
      session.data.a = 1
      const { cookieValue } = await session.commit()
      await assert.rejects(open({ now }, losing(store, 'read', 'before')).load(cookieValue), {
        code: 'store_unavailable',
      })
      assert.equal((await open().load(cookieValue)).status, 'active')
    },
  ),
  sessions(
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
  sessions(
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
  sessions(
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
  sessions(
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
]

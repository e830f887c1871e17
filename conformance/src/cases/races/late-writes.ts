import assert from 'node:assert/strict'
import type { SessionKey, Sessions, SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import { clause, keyOf, seen, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('races', 'sessions')

/** Wraps a store. The next call of a method fails without an answer, and arrives later, when the case calls `arrive`. */
function delaying(store: SessionStore, method: 'create' | 'replace' | 'touch') {
  const late: (() => Promise<unknown>)[] = []
  let key: SessionKey | undefined
  const delayed = new Proxy(store, {
    get(target, name: keyof SessionStore) {
      const value: unknown = target[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (name !== method || late.length) return value.apply(target, args)
        key = args[0] as SessionKey
        late.push(() => value.apply(target, args) as Promise<unknown>)
        return Promise.reject(new Error('the connection was lost with the request under way'))
      }
    },
  })
  return { store: delayed, keyOfLate: () => key, arrive: async () => [late.length, await late[0]!()] }
}

async function ended(all: Sessions, ...cookies: (string | undefined)[]): Promise<void> {
  for (const cookie of cookies) assert.notEqual((await all.load(cookie)).status, 'active')
}

function servers({ sessions: open, store, now }: CaseContext, method: 'create' | 'replace' | 'touch') {
  const time = { now }
  const { store: delayed, ...rest } = delaying(store, method)
  return { time, all: open(time), slow: open(time, delayed), ...rest }
}

/** Cases on writes that were sent earlier and arrive late. */
export const lateWrites: readonly Case[] = [
  sessions(
    'late-replace',
    'A replace that was sent before a logout and arrives after it revives nothing.',
    async (context) => {
      const { all, slow, arrive } = servers(context, 'replace')
      const cookie = await stored(all)
      const session = await slow.load(cookie)
      session.data.n = 1
      assert.equal((await session.commit()).status, 'saved')
      await (await all.load(cookie)).logout()
      assert.deepEqual(await arrive(), [1, 'missing'])
      await ended(all, cookie)
    },
  ),
  sessions(
    'late-create',
    'A create that was sent before a logout and arrives after it opens for no cookie: it is never retried under its key.',
    async (context) => {
      const { all, slow, arrive, keyOfLate } = servers(context, 'create')
      const cookie = await stored(slow, {}, 'ann')
      assert.notDeepEqual(keyOfLate(), keyOf(cookie))
      assert.equal((await all.load(cookie)).status, 'active')
      await (await all.load(cookie)).logout()
      await arrive()
      await ended(all, cookie)
    },
  ),
  sessions(
    'late-touch',
    'A touch that was sent before a logout and arrives after it revives nothing.',
    async (context) => {
      const { time, all, slow, arrive } = servers(context, 'touch')
      const cookie = await stored(all)
      const session = await slow.load(cookie)
      time.now += 600_000
      assert.equal((await session.commit()).status, 'touched')
      await (await all.load(cookie)).logout()
      assert.deepEqual(await arrive(), [1, 'missing'])
      await ended(all, cookie)
    },
  ),
  sessions(
    'late-rotation',
    'A rotation that arrives after the rotation that replaced it changes no secret: a single secret is valid, and its holder has it.',
    async (context) => {
      const { all, slow, arrive } = servers(context, 'replace')
      const cookie = await stored(all)
      const { status, cookieValue } = await (await slow.load(cookie)).regenerate()
      assert.equal(status, 'saved')
      assert.deepEqual(await arrive(), [1, 'conflict'])
      assert.deepEqual(
        [(await all.load(cookieValue)).status, (await all.load(cookie)).status],
        ['active', 'superseded'],
      )
    },
  ),
  sessions(
    'late-replace-counts-once',
    'A replace that arrives long after its retry, and after other writes, is not applied a second time.',
    async (context) => {
      const { all, slow, arrive } = servers(context, 'replace')
      const cookie = await stored(all)
      await (await slow.load(cookie)).update((data) => void (data.n = Number(data.n) + 1))
      await (await all.load(cookie)).update((data) => void (data.n = Number(data.n) + 10))
      assert.deepEqual(await arrive(), [1, 'conflict'])
      assert.deepEqual((await seen(all, cookie))[2], { n: 11 })
    },
  ),
  sessions(
    'forgotten-write',
    'A write whose answer was lost, and that more than eight others may hide, is an unknown outcome and not sent again.',
    async ({ sessions: open, store, now }) => {
      let failing = 2
      const lossy = watched(store, (method) => {
        if (method === 'replace' && failing-- > 0) throw new Error('the connection was lost')
      })
      const [all, slow] = [open(), open({ now }, lossy)]
      const cookie = await stored(all)
      const session = await slow.load(cookie)
      session.data.mine = 1
      await assert.rejects(session.commit(), { code: 'unknown_outcome' })
      const other = await all.load(cookie)
      for (let i = 1; i < 10; i++) {
        other.data.n = i
        await other.commit()
      }
      await assert.rejects(session.commit(), { code: 'unknown_outcome' })
      assert.deepEqual((await seen(all, cookie))[2], { n: 9 })
    },
  ),
  sessions(
    'no-write-goes-under-a-new-key',
    'Whatever is written to a session is written under the key that its cookie names.',
    async ({ sessions: open, store, now }) => {
      const keys = new Set<string>()
      const all = open(
        { now },
        watched(store, (method, [key]) => {
          if (method !== 'list') keys.add(JSON.stringify(key))
        }),
      )
      const cookie = await stored(all)
      const session = await all.load(cookie)
      session.data.n = 1
      await session.commit()
      await session.regenerate()
      await session.logout()
      assert.deepEqual([...keys], [JSON.stringify(keyOf(cookie))])
    },
  ),
]

import assert from 'node:assert/strict'
import type { Case } from '../../contract.ts'
import { clause, keyOf, seen, stored, watched } from '../../case-parts/case.ts'

const sessions = clause('round-trip', 'sessions')

/** Cases on the writes of one request, and on requests that write nothing. */
export const commits: readonly Case[] = [
  sessions(
    'data',
    'The next request finds the data that a request has left: equal, whole, and as a copy of its own.',
    async ({ sessions: open }) => {
      const all = open()
      const data = { text: 'é\0😀', list: [1, null, { deep: [true] }], '': 0, n: -1.5 }
      const cookie = await stored(all, data)
      const session = await all.load(cookie)
      assert.deepEqual({ ...session.data }, data)
      ;(session.data.list as unknown[]).push('more')
      assert.deepEqual((await seen(all, cookie))[2], data)
      assert.deepEqual(await session.commit(), { status: 'saved' })
      assert.deepEqual((await seen(all, cookie))[2], { ...data, list: [...data.list, 'more'] })
    },
  ),
  sessions(
    'unchanged-writes-nothing',
    'A session that did not change writes nothing, however its data was read, and changed back.',
    async ({ sessions: open, store, now }) => {
      const calls: string[] = []
      const all = open(
        { now },
        watched(store, (method) => void calls.push(method)),
      )
      const cookie = await stored(all, { list: [1, { a: 1 }] })
      const session = await all.load(cookie)
      calls.length = 0
      assert.deepEqual(await session.commit(), { status: 'unchanged' })
      ;(session.data.list as unknown[]).push(2)
      ;(session.data.list as unknown[]).pop()
      session.data.other = undefined
      assert.deepEqual(await session.commit(), { status: 'unchanged' })
      assert.deepEqual(calls, [])
    },
  ),
  sessions(
    'several-commits',
    'Each of several commits of one request writes the changes since the last commit, deletions too.',
    async ({ sessions: open }) => {
      const all = open()
      const cookie = await stored(all)
      const session = await all.load(cookie)
      for (const n of [1, 2, 3]) {
        session.data.n = n
        assert.deepEqual(await session.commit(), { status: 'saved' })
        assert.deepEqual(await session.commit(), { status: 'unchanged' })
        assert.deepEqual((await seen(all, cookie))[2], { n })
      }
      delete session.data.n
      session.data = { ...session.data, m: 4 }
      assert.deepEqual(await session.commit(), { status: 'saved' })
      assert.deepEqual((await seen(all, cookie))[2], { m: 4 })
    },
  ),
  sessions(
    'first-commit-and-next',
    'The request that creates a session goes on with it: its next commit saves, and gives no other cookie.',
    async ({ sessions: open }) => {
      const all = open()
      const session = await all.load(undefined)
      session.data.a = 1
      const first = await session.commit()
      session.data.b = 2
      const next = await session.commit()
      assert.deepEqual([first.status, next.status, next.cookieValue], ['created', 'saved', first.cookieValue])
      assert.deepEqual((await seen(all, first.cookieValue))[2], { a: 1, b: 2 })
    },
  ),
  sessions(
    'flash-once',
    'A flash message is read once: by this request or a later one, and taken out by its commit.',
    async ({ sessions: open }) => {
      const all = open()
      const session = await all.load(undefined)
      session.flash('notice', 'Saved')
      const cookie = (await session.commit()).cookieValue
      const reader = await all.load(cookie)
      assert.deepEqual([reader.flashed('notice'), reader.flashed('notice')], [['Saved'], []])
      assert.deepEqual((await all.load(cookie)).flashed('notice'), ['Saved'])
      assert.deepEqual(await reader.commit(), { status: 'saved' })
      assert.deepEqual((await all.load(cookie)).flashed('notice'), [])
    },
  ),
  sessions(
    'record-of-a-session',
    'The record of a session has the revision, the subject and the expiry that core gave it.',
    async ({ sessions: open, store, now }) => {
      const all = open()
      const session = await all.load(undefined)
      const { cookieValue } = await session.login('ann', { idleTimeout: '5m' })
      const first = (await store.read(keyOf(cookieValue), now))!
      assert.deepEqual([first.revision, first.subject, session.subject], [1, 'ann', 'ann'])
      assert.ok(Math.abs(first.expiresAt - now - 300_000) < store.traits.expiryResolutionMs)
      session.data.n = 1
      await session.commit()
      assert.equal((await store.read(keyOf(cookieValue), now, { fresh: true }))!.revision, 2)
    },
  ),
]

import assert from 'node:assert/strict'
import type { Outcome, Session, SessionStore } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { Case, CaseContext } from '../../contract.ts'
import { all, clause, increment, lists, seen, stored, watched } from '../../case-parts/case.ts'
import { inEveryOrder } from '../../case-parts/interleave.ts'

const sessions = clause('rotation-login', 'sessions')

/** Runs a rotation and another request on two servers, with their calls in every order. */
async function against<B>(
  { sessions: open, store, space, now }: CaseContext,
  other: (session: Session) => Promise<B>,
  check: (results: {
    rotated: Outcome
    b: B
    cookie: string
    load: (value?: string) => Promise<Session>
  }) => Promise<void>,
): Promise<void> {
  const client = await space.connect()
  await inEveryOrder<readonly [Outcome, B]>({ stores: [store, client] }, async () => {
    const cookie = await stored(open())
    const load = (value: string | undefined, it: SessionStore = store) => open({ now }, it).load(value)
    return {
      act: [async (held) => (await load(cookie, held)).regenerate(), async (held) => other(await load(cookie, held))],
      check: ([rotated, b]) => check({ rotated, b, cookie, load }),
    }
  })
}

/** Cases on rotations, which give a session a new secret. */
export const rotation: readonly Case[] = [
  sessions(
    'rotation',
    'A rotation gives a new secret to the same session under the same key; the old one is superseded and sets no cookie.',
    async ({ sessions: open }) => {
      const it = open()
      const cookie = await stored(it)
      const session = await it.load(cookie)
      session.data.more = 1
      const { cookieValue } = await session.regenerate()
      assert.equal(cookieValue!.slice(0, 28), cookie.slice(0, 28))
      assert.notEqual(cookieValue, cookie)
      assert.deepEqual((await seen(it, cookieValue))[2], { n: 0, more: 1 })
      const old = await it.load(cookie)
      old.data.x = 1
      assert.deepEqual(
        [old.status, await old.commit(), bindingOf(old).cookieChange],
        ['superseded', { status: 'superseded' }, undefined],
      )
      assert.deepEqual((await seen(it, cookieValue))[2], { n: 0, more: 1 })
    },
  ),
  sessions(
    'rotation-twice',
    'After two rotations within a minute both old secrets are superseded, for a minute from the last; then they are unknown.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time)
      const first = await stored(it)
      const second = (await (await it.load(first)).regenerate()).cookieValue
      time.now += 30_000
      const third = (await (await it.load(second)).regenerate()).cookieValue
      for (const [after, status] of [
        [0, 'superseded'],
        [59_999, 'superseded'],
        [60_000, 'new'],
      ] as const) {
        time.now = now + 30_000 + after
        for (const old of [first, second]) assert.equal((await it.load(old)).status, status, `after ${after} ms`)
        assert.equal((await it.load(third)).status, 'active')
      }
    },
  ),
  sessions(
    'rotation-of-unsaved',
    'A rotation of a session that is not stored does nothing: its secret will be new.',
    async ({ sessions: open, store, now }) => {
      const calls: string[] = []
      const session = await open(
        { now },
        watched(store, (method) => void calls.push(method)),
      ).load(undefined)
      assert.deepEqual([await session.regenerate(), calls], [{ status: 'unchanged' }, []])
    },
  ),
  sessions(
    'rotation-of-ended',
    'A rotation of a session that has ended gives no secret and brings nothing back.',
    async ({ sessions: open }) => {
      const it = open()
      const cookie = await stored(it)
      const [late, destroyed] = [await it.load(cookie), await it.load(cookie)]
      await destroyed.destroy()
      assert.deepEqual(
        [await late.regenerate(), await destroyed.regenerate()],
        [{ status: 'gone' }, { status: 'gone' }],
      )
      assert.deepEqual([bindingOf(late).cookieChange, (await it.load(cookie)).status], [undefined, 'new'])
    },
  ),
  sessions(
    'parallel-rotations',
    'Of two rotations at once one wins; the other answers superseded, and sets no cookie.',
    (context) =>
      against(
        context,
        (session) => session.regenerate(),
        async ({ rotated, b, cookie, load }) => {
          assert.deepEqual([rotated.status, b.status].toSorted(), ['saved', 'superseded'])
          const cookies = [rotated.cookieValue, b.cookieValue].filter(Boolean)
          assert.equal(cookies.length, 1)
          assert.equal((await load(cookies[0])).status, 'active')
          assert.equal((await load(cookie)).status, 'superseded')
        },
      ),
  ),
  sessions(
    'rotation-against-save',
    'A write in flight across a rotation answers what is true: after saved its change is there, after superseded it is not.',
    (context) =>
      against(
        context,
        (session) => session.update(increment),
        async ({ rotated, b, cookie, load }) => {
          const session = await load(rotated.cookieValue)
          assert.equal(session.status, 'active')
          assert.ok(['saved', 'superseded', 'unchanged'].includes(b.status), b.status)
          assert.equal(session.data.n, b.status === 'saved' ? 1 : 0)
          assert.deepEqual([b.cookieValue, (await load(cookie)).status], [undefined, 'superseded'])
        },
      ),
  ),
  sessions(
    'parallel-rotations-with-window',
    'A rotation that meets another which keeps the old secret gives up: a kept secret never rotates.',
    (context) =>
      against(
        context,
        (session) => session.regenerate({ keepOldFor: '30s' }),
        async ({ rotated, b, cookie, load }) => {
          const won = [rotated, b].filter(({ cookieValue }) => cookieValue !== undefined)
          assert.equal(won.length, 1)
          assert.equal((await load(won[0]!.cookieValue)).status, 'active')
          assert.equal((await load(cookie)).status, b.cookieValue ? 'active' : 'superseded')
        },
      ),
  ),
  sessions(
    'write-after-rotation',
    'A write whose secret was rotated away after the load answers superseded, and is not applied.',
    async ({ sessions: open, space, now }) => {
      const [one, other] = [open(), open({ now }, await space.connect())]
      const cookie = await stored(one)
      const [late, updating] = [await one.load(cookie), await one.load(cookie)]
      const { cookieValue } = await (await other.load(cookie)).regenerate()
      late.data.n = 9
      let ran = 0
      const superseded = { status: 'superseded' }
      assert.deepEqual(
        [await late.commit(), await updating.update((data) => void ((data.n = 5), ran++))],
        [superseded, superseded],
      )
      assert.ok(ran <= 1, 'it ran again after it was known to be in vain')
      assert.deepEqual((await seen(other, cookieValue))[2], { n: 0 })
    },
  ),
  sessions(
    'rotation-and-a-slow-clock',
    'A secret that was rotated away is superseded by every clock: one that is 50 ms behind, and one that was set back an hour.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time)
      const first = await stored(it)
      const second = (await (await it.load(first)).regenerate({ keepOldFor: '60s' })).cookieValue!
      const third = (await (await it.load(second)).regenerate()).cookieValue
      for (const behind of [1, 50, 3_600_000]) {
        time.now = now - behind
        for (const old of [first, second]) {
          const session = await it.load(old)
          session.data.n = 9
          assert.deepEqual([session.status, await session.commit()], ['superseded', { status: 'superseded' }])
        }
      }
      assert.deepEqual((await seen(it, third))[2], { n: 0 })
    },
  ),
  sessions(
    'window-and-clocks',
    'A window is open from 65 s before its end by the clock that asks, and for good closed by the first write that has seen it pass.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time)
      const old = await stored(it)
      const { cookieValue } = await (await it.load(old)).regenerate({ keepOldFor: '10s' })
      const at = async (moment: number): Promise<string> => {
        time.now = now + moment
        return (await it.load(old)).status
      }
      assert.deepEqual(
        [await at(-3_600_000), await at(-55_001), await at(-55_000), await at(9_999), await at(10_000)],
        ['superseded', 'superseded', 'active', 'active', 'superseded'],
      )
      await (await it.load(cookieValue)).update(increment)
      assert.deepEqual([await at(9_999), await at(-50), await at(10_000)], Array(3).fill('superseded'))
    },
  ),
  sessions(
    'rotation-against-logout',
    'A logout ends a session that is rotated meanwhile, under every secret.',
    (context) =>
      against(
        context,
        async (session) => {
          await session.logout()
          return bindingOf(session).cookieChange
        },
        async ({ rotated, cookie, load }) => {
          for (const value of [cookie, rotated.cookieValue])
            if (value) assert.notEqual((await load(value)).status, 'active')
          assert.ok(['saved', 'gone', 'unchanged'].includes(rotated.status), rotated.status)
        },
      ),
  ),
  sessions(
    'rotation-keeps-the-rest',
    'A rotation changes neither the place in the list nor the absolute end.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time, undefined, { idleTimeout: '10m', absoluteTimeout: '15m' })
      const cookie = await stored(it, {}, 'ann')
      const [before] = await all(it.listSubject('ann'))
      time.now += 60_000
      const { cookieValue } = await (await it.load(cookie)).regenerate()
      const [after, ...more] = await all(it.listSubject('ann'))
      assert.deepEqual(
        [after?.handle, after?.createdAt, after?.authenticatedAt, more],
        [before!.handle, before!.createdAt, before!.authenticatedAt, []],
      )
      time.now = now + 9 * 60_000
      await (await it.load(cookieValue)).commit()
      time.now = now + 15 * 60_000
      assert.equal((await it.load(cookieValue)).status, 'new')
    },
    lists,
  ),
  sessions(
    'keep-old-for',
    'With keepOldFor the old secret reads, writes and ends the session inside its window alone, and never rotates it or sets a cookie.',
    async ({ sessions: open, now }) => {
      const time = { now }
      const it = open(time)
      const old = await stored(it)
      await (await it.load(old)).regenerate({ keepOldFor: '10s' })
      const kept = await it.load(old)
      kept.data.n = 1
      assert.deepEqual([await kept.commit(), await kept.regenerate()], [{ status: 'saved' }, { status: 'unchanged' }])
      const late = await it.load(old)
      late.data.n = 2
      time.now = now + 10_000
      assert.deepEqual([await late.commit(), (await it.load(old)).status], [{ status: 'superseded' }, 'superseded'])
      assert.deepEqual([bindingOf(kept).cookieChange, bindingOf(late).cookieChange], [undefined, undefined])
      time.now = now + 70_000
      assert.equal((await it.load(old)).status, 'new')
    },
  ),
  sessions(
    'kept-secret-ends',
    'A logout under a kept secret ends the session, and removes no cookie.',
    async ({ sessions: open }) => {
      const it = open()
      const old = await stored(it)
      const { cookieValue } = await (await it.load(old)).regenerate({ keepOldFor: '10s' })
      const session = await it.load(old)
      await session.logout()
      assert.deepEqual([bindingOf(session).cookieChange, session.status], [undefined, 'superseded'])
      assert.equal((await it.load(cookieValue)).status, 'new')
    },
  ),
  sessions(
    'next-rotation-ends-window',
    'The next rotation ends the window of a kept secret.',
    async ({ sessions: open }) => {
      const it = open()
      const old = await stored(it)
      const { cookieValue } = await (await it.load(old)).regenerate({ keepOldFor: '60s' })
      const late = await it.load(old)
      late.data.n = 9
      const next = (await (await it.load(cookieValue)).regenerate()).cookieValue
      assert.deepEqual([await late.commit(), (await it.load(old)).status], [{ status: 'superseded' }, 'superseded'])
      assert.deepEqual((await seen(it, next))[2], { n: 0 })
    },
  ),
]

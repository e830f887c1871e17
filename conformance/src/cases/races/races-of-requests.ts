import assert from 'node:assert/strict'
import type { Outcome, Session, Sessions, SessionStore } from '@sess/core'
import { bindingOf } from '@sess/core/binding'
import type { Case, CaseContext } from '../../contract.ts'
import { clause, increment, seen, stored } from '../../case-parts/case.ts'
import { inEveryOrder } from '../../case-parts/interleave.ts'

const sessions = clause('races', 'sessions')

/** A request with a cookie value, on one of two servers: it uses the loaded session. */
type Request<T> = (session: Session, sessions: Sessions, cookie: string) => Promise<T>

/** Runs two requests on two servers with the same cookie value, with their calls in every order. */
async function two<A, B>(
  { sessions: open, store, space, now }: CaseContext,
  [a, b]: readonly [Request<A>, Request<B>],
  check: (results: { a: A; b: B; cookie: string; all: Sessions; other: Sessions }) => Promise<void>,
  { losing = false, late = 0, subject }: { losing?: boolean; late?: number; subject?: string } = {},
): Promise<void> {
  const client = await space.connect()
  await inEveryOrder<readonly [A, B]>({ stores: [store, client], losing }, async () => {
    const [all, other] = [open({ now }), open({ now }, client)]
    const cookie = await stored(all, { n: 0 }, subject)
    const time = { now: now + late }
    const run =
      <T>(request: Request<T>) =>
      async (held: SessionStore) => {
        const it = open(time, held)
        return request(await it.load(cookie), it, cookie)
      }
    return { act: [run(a), run(b)], check: ([one, another]) => check({ a: one, b: another, cookie, all, other }) }
  })
}

const save =
  (key: string, value: unknown): Request<Outcome> =>
  (session) => {
    if (session.status === 'active') session.data[key] = value
    return session.commit()
  }
const update: Request<Outcome> = async (session) =>
  session.status === 'active' ? session.update(increment) : { status: 'gone' }
const rotate: Request<Outcome> = (session) => session.regenerate()
const visit: Request<Outcome> = (session) => session.commit()
const logout: Request<void> = (session) => session.logout()
const revoke: Request<boolean> = (_, all, cookie) => all.revoke(cookie.slice(0, 28), { anySubject: true })

/** Cases on requests at once, with their calls in every order. */
export const racesOfRequests: readonly Case[] = [
  sessions(
    'logout-wins',
    'A save, an update, a rotation and a touch that a logout or a revocation overtakes say gone, and revive nothing.',
    async (context) => {
      for (const act of [save('n', 1), update, rotate, visit])
        for (const end of [logout, revoke])
          await two<Outcome, void | boolean>(
            context,
            [act, end],
            async ({ a, cookie, all, other }) => {
              for (const value of [cookie, a.cookieValue])
                for (const it of [all, other]) assert.notEqual((await it.load(value)).status, 'active')
              assert.ok(['saved', 'touched', 'unchanged', 'gone'].includes(a.status), a.status)
            },
            { late: 600_000 },
          )
    },
  ),
  sessions(
    'told-of-logout',
    'A write of a request whose session has ended since its load answers gone, and sets no cookie.',
    async ({ sessions: open, space, now }) => {
      const time = { now }
      const [one, other] = [open(time), open(time, await space.connect())]
      for (const act of [save('n', 1), update, rotate, visit]) {
        time.now = now
        const cookie = await stored(one)
        const late = await one.load(cookie)
        await (await other.load(cookie)).logout()
        time.now = now + 1_200_000
        assert.deepEqual(await act(late, one, cookie), { status: 'gone' })
        assert.deepEqual([late.status, bindingOf(late).cookieChange], ['destroyed', undefined])
        assert.equal((await other.load(cookie)).status, 'new')
      }
    },
  ),
  sessions('disjoint-keys', 'Two requests that write different keys both survive, deletions too.', (context) =>
    two(
      context,
      [
        save('a', 1),
        (session) => {
          delete session.data.n
          session.data.b = 2
          return session.commit()
        },
      ],
      async ({ a, b, cookie, all }) => {
        assert.deepEqual([a.status, b.status, (await seen(all, cookie))[2]], ['saved', 'saved', { a: 1, b: 2 }])
      },
    ),
  ),
  sessions(
    'same-key-twice',
    'Of two requests that write the same key one is kept, whole, and the conflict is an event.',
    async (context) => {
      const { sessions: open, space, now } = context
      await two(context, [save('n', 1), save('n', 2)], async ({ a, b, cookie, all }) => {
        assert.deepEqual([a.status, b.status], ['saved', 'saved'])
        assert.ok([1, 2].includes((await seen(all, cookie))[2]['n'] as number))
      })
      const [one, other] = [open(), open({ now }, await space.connect())]
      const cookie = await stored(one)
      const [first, second] = [await one.load(cookie), await other.load(cookie)]
      const keys: string[] = []
      other.on('conflict', ({ key }) => keys.push(key))
      await save('n', 1)(first, one, cookie)
      await save('n', 2)(second, other, cookie)
      assert.deepEqual([keys, (await seen(one, cookie))[2]], [['n'], { n: 2 }])
    },
  ),
  sessions(
    'same-key-throws',
    'With onConflict throw the second of two writers of one key is refused, and nothing of it is written.',
    async ({ sessions: open }) => {
      const all = open(undefined, undefined, { onConflict: 'throw' })
      const cookie = await stored(all)
      const [first, second] = [await all.load(cookie), await all.load(cookie)]
      await save('n', 1)(first, all, cookie)
      second.data.m = 3
      await assert.rejects(save('n', 2)(second, all, cookie), { code: 'conflict' })
      assert.deepEqual((await seen(all, cookie))[2], { n: 1 })
    },
  ),
  sessions('updates', 'Updates of one counter from two servers at once all count.', (context) =>
    two(context, [update, update], async ({ a, b, cookie, all }) => {
      assert.deepEqual([a.status, b.status, (await seen(all, cookie))[2]], ['saved', 'saved', { n: 2 }])
    }),
  ),
  sessions('many-updates', 'Of sixteen updates of one counter at once every one counts.', async (context) => {
    const { sessions: open, space, now } = context
    const servers = [open(), open({ now }, await space.connect())]
    const cookie = await stored(servers[0]!)
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, async (_, i) => (await servers[i % 2]!.load(cookie)).update(increment)),
    )
    assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set(['saved']))
    assert.deepEqual((await seen(servers[0]!, cookie))[2], { n: 16 })
  }),
  sessions(
    'read-only-reverts-nothing',
    'A request that only reads never takes back what another wrote, though it moves the clock.',
    (context) =>
      two(
        context,
        [visit, save('n', 1)],
        async ({ b, cookie, all }) => {
          assert.deepEqual([b.status, (await seen(all, cookie))[2]], ['saved', { n: 1 }])
        },
        { late: 600_000 },
      ),
  ),
  sessions(
    'retry-counts-once',
    'An update whose answer is lost is applied once, at every point of the loss and with every write meanwhile.',
    (context) =>
      two(
        context,
        [update, update],
        async ({ a, b, cookie, all }) => {
          assert.deepEqual([a.status, b.status, (await seen(all, cookie))[2]], ['saved', 'saved', { n: 2 }])
        },
        { losing: true },
      ),
  ),
  sessions(
    'retry-of-logout',
    'A logout whose answer is lost still ends the session, with every write meanwhile.',
    (context) =>
      two(
        context,
        [update, logout],
        async ({ a, cookie, all }) => {
          assert.ok(['saved', 'gone', 'unchanged'].includes(a.status), a.status)
          assert.equal((await all.load(cookie)).status, 'new')
        },
        { losing: true },
      ),
  ),
]

import assert from 'node:assert/strict'
import type { SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { all, clause, listed, listsAll, revokes, settled, subjectOf } from '../../case-parts/case.ts'
import { eachMethod, MANY, PAGED, paged, trialOf, type Trial } from '../../case-parts/paged.ts'
import { writesMeanwhile, type Listed } from './lists-under-writes.ts'

const store = clause('subjects', 'store')

/** After so many pages or entries a case writes. */
const EVERY = 40

/** Cases on all methods that work in pages. */
export const pages: readonly Case[] = [
  store(
    'pages-past-expired',
    'What works in pages goes past any number of expired records: the live records before and behind them are given, counted and revoked.',
    async (context) => {
      const { store: it, record, now } = context
      const { tag } = context.key()
      const ann = { id: 'ann', tag }
      const idOf = (i: number): string => `M${String(i).padStart(15, '0')}`
      const expired = Array.from({ length: 2 * MANY }, (_, i) => ({ tag, id: idOf(i) }))
      // Before and behind them in any order: of bytes, or of words without case.
      const live = ['-'.repeat(16), '0'.repeat(16), 'z'.repeat(16), '_'.repeat(16)].map((id) => ({ tag, id }))
      const ended = record({ subject: 'ann', expiresAt: now - 30_000 })
      await Promise.all(expired.map((at) => it.create(at, ended, now - 60_000)))
      await Promise.all(live.map((at) => it.create(at, record({ subject: 'ann' }), now)))
      const ids = live.map(({ id }) => id).toSorted()
      if (it.list) assert.deepEqual(await listed(it, ann, now), ids, 'list')
      if (it.all) assert.deepEqual((await all(it.all(now))).map(([{ id }]) => id).toSorted(), ids, 'all')
      if (it.count) assert.equal(await sum(it.count(now)), live.length, 'count')
      if (!it.deleteSubject) return
      assert.ok([live.length, undefined].includes(await sum(it.deleteSubject(ann, now))), 'deleteSubject')
      for (const at of live) assert.equal(await it.read(at, now, { fresh: true }), undefined, 'deleteSubject')
    },
    paged,
  ),
  store(
    'pages-begin-when-asked',
    'What works in pages does nothing before its first page is asked for: it sees the writes between the call and the first page.',
    async (context) => {
      const { store: it, space, now, record } = context
      const other = await space.connect()
      const [first, past] = [record({ subject: 'ann' }), now - 160_000]
      await eachMethod(context, 3, async ({ name, keys: [one, two, three], open, total }) => {
        const called = open(it)
        // What began at the call is done before this.
        for (let i = 0; i < 5; i++) {
          await settled()
          assert.ok(
            await other.read(three!, name === 'sweep' ? past : now, { fresh: true }),
            'it began when it was called',
          )
        }
        await other.delete(one!, now)
        await other.replace(two!, asExpected(first), { ...first, revision: 2, payload: Buffer.from('new') }, now)
        const found = await all(called)
        assert.ok([2, undefined].includes(total(found)), `${total(found)}, and 2 were there at the first page`)
      })
    },
    paged,
  ),
  store(
    'pages-let-write',
    'What works in pages holds up no write between two pages, of its own client or of another, nor after its caller has left it.',
    async (context) => {
      const { store: it, space } = context
      const other = await space.connect()
      await eachMethod(context, MANY, async ({ open, total }) => {
        let seen = 0
        for await (const _ of open(it)) if (seen++ % EVERY === 0) await writesMeanwhile(context, [it, other])
        assert.ok(seen > 0, 'it gave no page')
        const left = open(it)[Symbol.asyncIterator]()
        await left.next()
        await left.return?.()
        await writesMeanwhile(context, [it, other])
        // A second client goes on as if the first had not been there.
        const again = total(await all(open(other)))
        assert.ok(again === undefined || again <= MANY)
      })
    },
    paged,
  ),
  store(
    'pages-left-early',
    'What works in pages and was left after its first page, or before it, is whole when it is called again, by the same client or by another.',
    async (context) => {
      const { store: it, space, now } = context
      const other = await space.connect()
      await eachMethod(context, MANY, async ({ name, keys, open, total }) => {
        await open(it)[Symbol.asyncIterator]().return?.()
        const left = open(it)[Symbol.asyncIterator]()
        assert.ok(!(await left.next()).done, 'it gave no page')
        await left.return?.()
        const removes = name === 'deleteSubject' || name === 'sweep'
        // What removes may have worked ahead of the pages that were taken.
        const rest = total(await all(open(it)))
        if (!removes) assert.equal(rest, MANY)
        const again = total(await all(open(other)))
        assert.ok(again === undefined || again === (removes ? 0 : MANY), `${again} the next time`)
        const then = name === 'sweep' ? now - 160_000 : now
        for (const at of removes ? keys : [])
          assert.equal(await it.read(at, then, { fresh: true }), undefined, 'a record is left')
      })
    },
    paged,
  ),
  store(
    'pages-at-once',
    'Two calls at once that work in pages, of one client, do not disturb each other.',
    async (context) => {
      const { store: it, now } = context
      for (const name of PAGED.filter((one) => one in it && one !== 'sweep')) {
        const trials = [await trialOf(context, name, MANY), await trialOf(context, name, MANY)]
        const iterators = trials.map(({ open }) => open(it)[Symbol.asyncIterator]())
        const found: unknown[][] = [[], []]
        for (let open = [0, 1], turn = 0; open.length; turn++) {
          const i = open[turn % open.length]!
          const next = await iterators[i]!.next()
          if (next.done) open = open.filter((one) => one !== i)
          else found[i]!.push(next.value)
        }
        const whole = name === 'all' || name === 'count' ? 2 * MANY : MANY
        for (const [i, { total }] of trials.entries()) {
          const came = total(found[i]!)
          assert.ok(came === undefined || came === whole, `${name}: ${came} of ${whole}`)
        }
        for (const { keys } of trials)
          for (const at of keys)
            assert.equal(await it.delete(at, now), name !== 'deleteSubject', `${name} left a record`)
      }
    },
    paged,
  ),
  store(
    'many-lists',
    'A dozen lists of one client at once, of one subject or of all, are each whole.',
    async (context) => {
      const { store: it } = context
      const names = PAGED.filter((name) => name === 'list' || name === 'all')
      const list = async ({ keys, open }: Trial): Promise<void> => {
        const found = Array.from({ length: 12 }, () => new Set<string>())
        const iterators = found.map(() => (open(it) as AsyncIterable<Listed>)[Symbol.asyncIterator]())
        // Each gives all, and then its end: no more turns than that.
        for (let turn = 0; turn <= MANY; turn++)
          for (const [i, iterator] of iterators.entries()) {
            const { value, done } = await iterator.next()
            if (!done) found[i]!.add(value[0].id)
          }
        for (const ids of found) assert.deepEqual([...ids].toSorted(), keys.map(({ id }) => id).toSorted())
      }
      await eachMethod(context, MANY, list, names)
    },
    ({ store: it }) => (it.list || it.all ? undefined : 'the store lists neither a subject’s sessions nor all'),
  ),
  store(
    'pages-of-large-records',
    'What works in pages is whole where records are as large as the store takes them, and so are reads of them at once.',
    async (context) => {
      const { store: it, key, record, now } = context
      const ann = subjectOf(context, 'ann')
      const { maxPayloadBytes } = it.traits
      const size = Math.min(maxPayloadBytes, 2 ** 18)
      const most = Math.min(maxPayloadBytes, 2 ** 23)
      const sizes = [...Array.from({ length: 24 }, () => size), most, 1]
      const keys = sizes.map(() => key(ann.tag))
      for (const [i, bytes] of sizes.entries())
        await it.create(keys[i]!, record({ subject: 'ann', payload: Buffer.alloc(bytes, i) }), now)
      const read = await Promise.all(keys.map((at) => it.read(at, now)))
      for (const [i, bytes] of sizes.entries()) assert.ok(read[i]?.payload.length === bytes, 'reads at once')
      const ids = keys.map(({ id }) => id).toSorted()
      if (it.list) assert.deepEqual(await listed(it, ann, now), ids, 'list')
      if (it.all) assert.deepEqual((await all(it.all(now))).map(([{ id }]) => id).toSorted(), ids, 'all')
      if (it.count) assert.equal(await sum(it.count(now)), keys.length, 'count')
      if (it.deleteSubject) await sum(it.deleteSubject(ann, now))
      for (const at of keys)
        assert.equal((await it.read(at, now, { fresh: true })) === undefined, 'deleteSubject' in it, 'deleteSubject')
    },
    paged,
  ),
  store(
    'all-under-writes',
    'A list of all while sessions are replaced, touched, created and deleted gives each session that was there all the time, once.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const keys = Array.from({ length: 180 }, () => key())
      const first = record({ subject: 'ann' })
      await Promise.all(keys.map((at) => it.create(at, first, now)))
      const [seen, gone] = [new Set<string>(), new Set<string>()]
      let turn = 0
      for await (const [{ tag, id }] of it.all!(now)) {
        assert.ok(!seen.has(tag + id), 'a session is listed twice')
        seen.add(tag + id)
        const client = turn % 2 ? it : other
        const target = keys[(turn * 7) % keys.length]!
        if (turn < keys.length)
          switch (turn % 4) {
            case 0:
              await client.replace(target, asExpected(first), { ...first, revision: 2, expiresAt: now + 90_000 }, now)
              break
            case 1:
              await client.touch(target, asExpected(first), now + 120_000 + turn, now)
              break
            case 2:
              gone.add(target.tag + target.id)
              await client.delete(target, now)
              break
            default:
              await client.create(key(), first, now)
          }
        assert.ok(++turn < 2000, 'the list does not end while sessions are created')
      }
      const missed = keys.map(({ tag, id }) => tag + id).filter((name) => !gone.has(name) && !seen.has(name))
      assert.deepEqual(missed, [], 'a session that was there all the time is not listed')
    },
    listsAll,
  ),
  store(
    'revoke-under-writes',
    'A revocation while sessions are replaced, touched, created and deleted ends each session that was there when it began.',
    async (context) => {
      const { store: it, space, key, record, now } = context
      const other = await space.connect()
      const ann = subjectOf(context, 'ann')
      const first = record({ subject: 'ann' })
      const keys = Array.from({ length: 180 }, () => key(ann.tag)).toSorted((x, y) => (x.id < y.id ? -1 : 1))
      await Promise.all(keys.map((at) => it.create(at, first, now)))
      let turn = 0
      const write = async (client: SessionStore): Promise<void> => {
        const [one, two] = [0, 1].map((i) => keys.at(-1 - ((turn * 2 + i) % keys.length))!)
        await client.replace(one!, asExpected(first), { ...first, revision: 2, expiresAt: now + 90_000 }, now)
        await client.touch(two!, asExpected(first), now + 120_000, now)
        // What goes by position in the order of ids skips a session for each of these. Most sessions are left to the revocation.
        if (turn < 20) for (const at of keys.slice(turn * 2, turn * 2 + 2)) await client.delete(at, now)
        // A store may revoke new sessions as well, so that a revocation ends only after them.
        if (turn % 2 && turn < 200) await client.create(key(ann.tag), first, now)
        turn++
      }
      // Writes come between two pages, and also while a page is under way.
      const pages = it.deleteSubject!(ann, now)[Symbol.asyncIterator]()
      for (let isDone = false; !isDone;) {
        const page = pages.next()
        // If a write fails meanwhile, nothing waits for the page.
        page.catch(() => {})
        for (let i = 0; i < 3; i++) await write(turn % 2 ? it : other)
        isDone = (await page).done === true
        assert.ok(turn < 3000, 'the revocation does not end while sessions are created')
      }
      for (const at of keys) assert.equal(await other.read(at, now, { fresh: true }), undefined, 'a session is left')
      if (!it.list) return
      await sum(it.deleteSubject!(ann, now))
      assert.deepEqual(await all(it.list(ann, now)), [])
    },
    revokes,
  ),
]

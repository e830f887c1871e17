import assert from 'node:assert/strict'
import type { SessionKey, SessionStore } from '@sess/core'
import { asExpected } from '@sess/core/adapter'
import type { Case } from '../../contract.ts'
import { Inconclusive } from '../../result.ts'
import { clause, processes, same, settled, textOf, turns } from '../../case-parts/case.ts'

const store = clause('races', 'store')

async function addOne(it: SessionStore, at: { tag: string; id: string }, now: number): Promise<void> {
  for (;;) {
    const record = (await it.read(at, now, { fresh: true }))!
    const payload = Buffer.from(String(Number(Buffer.from(record.payload).toString()) + 1))
    if ((await it.replace(at, record, { ...record, revision: record.revision + 1, payload }, now)) === 'replaced')
      return
  }
}

/** Cases on races: no write is lost, and no deleted record comes back. */
export const races: readonly Case[] = [
  store(
    'two-replaces',
    'Of two replaces of one revision, from two clients, one wins and the other hears conflict.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(20); i++) {
        const at = key()
        await it.create(at, record(), now)
        const [a, b] = [(await it.read(at, now))!, (await other.read(at, now, { fresh: true }))!]
        const answers = await Promise.all([
          it.replace(at, a, { ...a, revision: 2, payload: Buffer.from('a') }, now),
          other.replace(at, b, { ...b, revision: 2, payload: Buffer.from('b') }, now),
        ])
        assert.deepEqual(answers.toSorted(), ['conflict', 'replaced'])
        assert.equal(textOf(await it.read(at, now, { fresh: true })), answers[0] === 'replaced' ? 'a' : 'b')
      }
    },
  ),
  store(
    'stale-replace',
    'A replace that expects a record which another client has replaced since is a conflict, for every client.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const at = key()
      await it.create(at, record(), now)
      const stale = (await other.read(at, now))!
      await it.replace(at, asExpected(record()), record({ revision: 2 }), now)
      assert.equal(await other.replace(at, stale, { ...stale, revision: 2 }, now), 'conflict')
      assert.equal(await other.touch(at, stale, now + 90_000, now), 'conflict')
    },
  ),
  store(
    'replace-never-creates',
    'A replace and a touch of a deleted record answer missing, and bring nothing back.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const at = key()
      await it.create(at, record(), now)
      const read = (await it.read(at, now))!
      assert.equal(await other.delete(at, now), true)
      assert.equal(await it.replace(at, read, { ...read, revision: 2 }, now), 'missing')
      assert.equal(await it.touch(at, read, now + 90_000, now), 'missing')
      assert.equal(await it.read(at, now, { fresh: true }), undefined)
    },
  ),
  store(
    'delete-meets-replace',
    'However a delete and a replace fall together, the record is gone once the delete is acknowledged.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(30); i++) {
        const at = key()
        await it.create(at, record(), now)
        const read = (await it.read(at, now))!
        const replace = () => it.replace(at, read, { ...read, revision: 2 }, now)
        const writes = i % 2 ? [replace(), replace()] : []
        await turns((i >> 1) % 4)
        const deleted = other.delete(at, now)
        await turns(i % 3)
        writes.push(replace())
        assert.equal(await deleted, true)
        for (const answer of await Promise.all(writes)) assert.ok(['replaced', 'conflict', 'missing'].includes(answer))
        await settled()
        assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
    },
  ),
  store(
    'touch-is-no-conflict',
    'A touch in between does not fail a replace.',
    async ({ store: it, space, key, record, now }) => {
      const other = await space.connect()
      const at = key()
      await it.create(at, record(), now)
      const read = (await it.read(at, now))!
      assert.equal(await other.touch(at, (await other.read(at, now))!, now + 90_000, now), 'touched')
      assert.equal(await it.replace(at, read, { ...read, revision: 2 }, now), 'replaced')
    },
  ),
  store(
    'increments',
    'Increments by read and replace from several clients at once are all there.',
    async ({ store: it, space, key, record, now }) => {
      const clients = [it, await space.connect(), await space.connect()]
      const at = key()
      await it.create(at, record({ payload: Buffer.from('0') }), now)
      await Promise.all(
        clients.map(async (client) => {
          for (let i = 0; i < 20; i++) await addOne(client, at, now)
        }),
      )
      const read = (await it.read(at, now, { fresh: true }))!
      assert.deepEqual([textOf(read), read.revision], ['60', 61])
    },
  ),
  store(
    'increments-of-processes',
    'Increments from several processes at once, this one among them, are all there.',
    async ({ store: it, key, record, now, processes: run }) => {
      const at = key()
      await it.create(at, record({ payload: Buffer.from('0'), expiresAt: now + 3_600_000 }), now)
      // The processes run for a while, because a store that compares first and writes later has a gap of only some microseconds.
      const others = run(3, { kind: 'increment', key: at, times: 50, ms: 300, now }) as Promise<number[]>
      let own = 0
      const isOver = (): Promise<boolean> => Promise.race([others.then(() => true), settled().then(() => false)])
      for (; !(await isOver()); own++) await addOne(it, at, now)
      const all = (await others).reduce((sum, each) => sum + each, own)
      const read = (await it.read(at, now, { fresh: true }))!
      assert.deepEqual([textOf(read), read.revision], [`${all}`, all + 1])
    },
    processes,
  ),
  store(
    'creates-of-processes',
    'Of creates of one key from several processes, this one among them, one wins.',
    async ({ store: it, key, record, now, processes: run }) => {
      const expiresAt = now + 3_600_000
      const keys = Array.from({ length: 100 }, () => key())
      const others = run(3, { kind: 'create', keys, expiresAt, now }) as Promise<number[][]>
      const isOver = (): Promise<boolean> => Promise.race([others.then(() => true), settled().then(() => false)])
      // The others begin with the first key; this process begins with the last one when it sees the first.
      while (!(await it.read(keys[0]!, now, { fresh: true }))) if (await isOver()) break
      const own: number[] = []
      for (const i of [...keys.keys()].toReversed())
        if (await it.create(keys[i]!, record({ expiresAt }), now)) own.push(i)
      assert.deepEqual(
        [...(await others).flat(), ...own].toSorted((a, b) => a - b),
        keys.map((_, i) => i),
      )
      for (const at of keys) assert.ok(await it.read(at, now, { fresh: true }))
    },
    processes,
  ),
  store(
    'delete-across-processes',
    'A record deleted while other processes replace it stays deleted.',
    async ({ store: it, key, record, now, processes: run }) => {
      const keys = Array.from({ length: 20 }, () => key())
      for (const at of keys) await it.create(at, record({ expiresAt: now + 3_600_000 }), now)
      const others = run(2, { kind: 'replace-past-delete', keys, now })
      const deleted: SessionKey[] = []
      // The case checks the deleted records meanwhile: a process that has brought a record back writes to it for ever.
      async function staysDeleted(turn: number): Promise<void> {
        const at = deleted[turn % deleted.length]
        if (at) assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
      for (const at of keys) {
        for (let turn = 0; (await it.read(at, now, { fresh: true }))!.revision < 5; turn++) {
          await staysDeleted(turn)
          await settled()
        }
        assert.equal(await it.delete(at, now), true)
        deleted.push(at)
      }
      for (let turn = 0; !(await Promise.race([others, settled()])); turn++) await staysDeleted(turn)
      for (const turn of keys.keys()) await staysDeleted(turn)
      if ((await others).every((met) => met === 0))
        throw new Inconclusive('no delete fell between a read and a replace of a process')
    },
    processes,
  ),
  store(
    'delete-meets-create',
    'However a delete and a create fall together, the record is whole or gone, and a later delete ends it.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(20); i++) {
        const at = key()
        const [created] = await Promise.all([it.create(at, record(), now), other.delete(at, now), it.read(at, now)])
        assert.equal(created, true)
        const read = await other.read(at, now, { fresh: true })
        if (read) same(read, record(), it)
        await settled()
        assert.deepEqual(await other.read(at, now, { fresh: true }), read, 'it changes by itself')
        assert.equal(await other.delete(at, now), read !== undefined)
        assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
    },
  ),
  store(
    'delete-meets-touch',
    'However a delete and touches fall together, the record is gone once the delete is acknowledged.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(30); i++) {
        const at = key()
        await it.create(at, record(), now)
        const read = (await it.read(at, now))!
        const touch = () => it.touch(at, read, now + 90_000, now)
        const touches = i % 2 ? [touch(), touch()] : []
        await turns((i >> 1) % 4)
        const deleted = other.delete(at, now)
        await turns(i % 3)
        touches.push(touch())
        assert.equal(await deleted, true)
        for (const answer of await Promise.all(touches)) assert.ok(['touched', 'missing'].includes(answer), answer)
        await settled()
        assert.equal(await it.read(at, now, { fresh: true }), undefined)
      }
    },
  ),
  store(
    'replace-meets-touch',
    'A touch and a replace at once lose neither the payload nor the acknowledged expiry.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      for (let i = 0; i < rounds(40); i++) {
        const at = key()
        await it.create(at, record(), now)
        const [a, b] = [(await it.read(at, now))!, (await other.read(at, now, { fresh: true }))!]
        const replace = () => it.replace(at, a, { ...a, revision: 2, payload: Buffer.from('next') }, now)
        const first = i % 2 ? replace() : undefined
        await turns(first ? i % 5 : 0)
        const touch = other.touch(at, b, now + 90_000, now)
        await turns(first ? 0 : i % 6)
        const [touched, replaced] = await Promise.all([touch, first ?? replace()])
        await settled()
        assert.equal(replaced, 'replaced')
        assert.ok(['touched', 'conflict'].includes(touched), touched)
        const read = (await it.read(at, now, { fresh: true }))!
        assert.deepEqual([read.revision, textOf(read)], [2, 'next'])
        assert.ok(await other.read(at, now + 59_000, { fresh: true }))
      }
    },
  ),
  store(
    'touches-meet',
    'Of two touches at once that both answer touched, the later time counts.',
    async ({ store: it, space, key, record, now, rounds }) => {
      const other = await space.connect()
      const { expiryResolutionMs } = it.traits
      for (let i = 0; i < rounds(30); i++) {
        const at = key()
        await it.create(at, record(), now)
        const [a, b] = [(await it.read(at, now))!, (await other.read(at, now, { fresh: true }))!]
        const until = [now + 90_000, now + 120_000].toSorted(() => (i % 2 ? 1 : -1))
        const first = it.touch(at, a, until[0]!, now)
        await turns((i >> 1) % 4)
        const answers = await Promise.all([first, other.touch(at, b, until[1]!, now)])
        assert.deepEqual(answers, ['touched', 'touched'])
        await settled()
        assert.ok(await it.read(at, now + 120_000 - expiryResolutionMs, { fresh: true }), 'the later time was lost')
      }
    },
  ),
  store(
    'fresh-read-is-its-own',
    'A fresh read, and any read of a store that claims no stale ones, sees all writes that were acknowledged before it, also while an earlier read of the record is under way.',
    async (context) => {
      const { space, key, record, now, rounds } = context
      const { store: it, faults } = context.faulty('slow')
      const other = await space.connect()
      for (let i = 0; i < rounds(4); i++) {
        const at = key()
        const first = record()
        await other.create(at, first, now)
        const struck = faults.struck
        faults.inject('slow', { ms: 150 })
        const early = it.read(at, now)
        for (let waits = 0; faults.struck === struck && waits < 100; waits++) await turns(1)
        const next = { ...first, revision: 2, payload: Buffer.from('next') }
        assert.equal(await other.replace(at, asExpected(first), next, now), 'replaced')
        const later = await it.read(at, now, i % 2 && !it.traits.staleMs ? {} : { fresh: true })
        await early
        same(later, next, it)
      }
      await faults.heal()
    },
  ),
]

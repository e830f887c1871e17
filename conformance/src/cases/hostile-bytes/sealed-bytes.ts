import assert from 'node:assert/strict'
import type { Seal } from '@sess/core'
import type { Case, CaseContext } from '../../contract.ts'
import { clause, keyOf, seen, showsBytes, stored } from '../../case-parts/case.ts'
import { body, forge, UNSEALED } from '../../case-parts/forge.ts'
import { rejectAll, valid } from './hostile-bytes.ts'
import { aesGcm } from '../../case-parts/seal.ts'

const sessions = clause('hostile-bytes', 'sessions')

/** The option `seal`: the harness's seal, or the kit's own. */
function sealing({ harness }: CaseContext): { readonly seal: Seal } {
  return { seal: harness.seal ?? aesGcm('kit') }
}

/** Cases on sealed records that an attacker changes in the store, and on a changed value of the store around them. */
export const sealedBytes: readonly Case[] = [
  sessions(
    'sealed',
    'A sealed session is read back whole, and what is stored of it shows neither data nor subject’s envelope.',
    async (context) => {
      const { sessions: open, store, now } = context
      const all = open({ now }, store, sealing(context))
      const cookie = await stored(all, { word: 'confidential' }, 'ann')
      assert.deepEqual(await seen(all, cookie), ['active', 'ann', { word: 'confidential' }])
      const bytes = Buffer.from((await store.read(keyOf(cookie), now))!.payload)
      for (const text of ['confidential', 'word', 'json']) assert.ok(!bytes.includes(text), text)
    },
  ),
  sessions(
    'sealed-tampered',
    'Tampered ciphertext is reported and gives a new session, whatever its checksum says.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const sealed = body(payload)
          // The bytes that name the key stay unchanged. A change there names another key, which has a case of its own.
          return Array.from({ length: 60 }, (_, i) => {
            const at = sealed.length - 1 - Math.floor((i * (sealed.length - 40)) / 60)
            return forge(
              Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ (1 << (i % 8)) : byte)),
              { sealed: 1 },
            )
          })
        },
        sealing(context),
      ),
  ),
  sessions(
    'sealed-truncated',
    'Truncated ciphertext is reported and gives a new session, whatever its checksum says.',
    (context) =>
      rejectAll(
        context,
        (payload) => {
          const sealed = body(payload)
          return Array.from({ length: 40 }, (_, i) => forge(sealed.subarray(0, sealed.length - 1 - i), { sealed: 1 }))
        },
        sealing(context),
      ),
  ),
  sessions(
    'sealed-moved',
    'Ciphertext that was moved to another record does not open there, not even for the holder of its own secret.',
    async (context) => {
      const { sessions: open, store, now } = context
      const options = sealing(context)
      const all = open({ now }, store, options)
      const [from, to] = [await valid(context, options), await valid(context, options)]
      const moved = { ...to.record, revision: to.record.revision, payload: from.record.payload }
      await store.delete(to.key, now)
      await store.create(to.key, moved, now)
      for (const secret of [from.cookieValue.slice(28), to.cookieValue.slice(28)])
        assert.equal((await all.load(to.cookieValue.slice(0, 28) + secret)).status, 'new')
      assert.equal((await all.load(from.cookieValue)).status, 'active')
    },
  ),
  sessions(
    'sealed-replayed',
    'Ciphertext of an earlier revision that was put back does not open: a secret that was rotated away stays so.',
    async (context) => {
      const { sessions: open, store, now } = context
      const options = sealing(context)
      const all = open({ now }, store, options)
      const { cookieValue, key, record } = await valid(context, options)
      const next = (await (await all.load(cookieValue)).regenerate()).cookieValue
      const there = (await store.read(key, now, { fresh: true }))!
      await store.replace(key, there, { ...there, revision: there.revision + 1, payload: record.payload }, now)
      for (const value of [cookieValue, next]) assert.equal((await all.load(value)).status, 'new')
    },
  ),
  sessions(
    'sealed-refuses-plaintext',
    'Where sealing is configured a plain payload is reported and gives a new session.',
    async (context) => {
      const { sessions: open, store, now } = context
      const cookie = await stored(open({ now }, store, UNSEALED), { n: 0 }, 'ann')
      const all = open({ now }, store, sealing(context))
      const reasons: string[] = []
      all.on('rejected', ({ reason }) => reasons.push(reason))
      assert.deepEqual([(await seen(all, cookie))[0], reasons], ['new', ['undecodable']])
      const lenient = { seal: { ...sealing(context).seal, acceptPlaintext: true } }
      assert.equal((await open({ now }, store, lenient).load(cookie)).status, 'active')
    },
  ),
  sessions(
    'stored-bytes',
    'Whatever becomes of the bytes that a store keeps, a load is a new session, or what was stored, to the bit; and the session can be ended.',
    async (context) => {
      const { sessions: open, space, store, now } = context
      const { cookieValue, key, record } = await valid(context)
      const bytes = await space.raw!.read(key)
      assert.ok(bytes, 'raw.read() finds nothing of a record that is there')
      const all = open()
      const reasons: string[] = []
      all.on('rejected', ({ reason }) => reasons.push(reason))
      // Each byte of the head of the value, and then bytes in steps through all of it.
      const places = Array.from({ length: 64 }, (_, i) => (i < 48 ? i : Math.floor(((i - 47) * bytes.length) / 17)))
      for (const [i, at] of places.filter((place) => place < bytes.length).entries()) {
        const flipped = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ (1 << (i % 8)) : byte))
        for (const changed of i % 4 ? [flipped] : [flipped, bytes.slice(0, at)]) {
          await space.raw!.write(key, changed)
          const session = await all.load(cookieValue)
          const shown = [session.status, session.subject, { ...session.data }, session.expiresAt]
          // Damage is reported, or the session counts as missing. If the store has another copy, the session is unchanged.
          if (session.status === 'active')
            assert.deepEqual(
              shown,
              ['active', 'ann', { list: [1, 'two', { three: null }] }, record.expiresAt],
              `byte ${at}`,
            )
          else assert.deepEqual(shown.slice(0, 3), ['new', undefined, {}], `byte ${at}`)
          const [reason, ...more] = reasons.splice(0)
          assert.deepEqual(more, [])
          assert.ok([undefined, 'undecodable', 'unknown'].includes(reason), `${reason} at byte ${at}`)
        }
      }
      for (const at of [0, 5, 13, bytes.length - 1].filter((place) => place < bytes.length)) {
        await space.raw!.write(
          key,
          Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 0xff : byte)),
        )
        if (store.list) for await (const _ of all.listSubject('ann'));
        if (store.count) await all.count()
        if (store.sweep) await all.sweep()
      }
      await store.delete(key, now)
      assert.equal((await all.load(cookieValue)).status, 'new')
    },
    showsBytes,
  ),
  sessions(
    'larger-than-any-record',
    'A value larger than the store takes, where its backend holds one, is reported and gives a new session; it holds no other session up, and can be ended.',
    async (context) => {
      const { sessions: open, space, store, now } = context
      const { cookieValue, key } = await valid(context)
      const all = open()
      const other = await stored(all, { n: 1 }, 'bob')
      const bytes = await space.raw!.read(key)
      assert.ok(bytes, 'raw.read() finds nothing of a record that is there')
      const large = Buffer.concat([bytes, Buffer.alloc(2 * store.traits.maxPayloadBytes)])
      try {
        await space.raw!.write(key, large)
      } catch {
        // The backend refuses such a value, so an attacker cannot have written it.
        return
      }
      const reasons: string[] = []
      all.on('rejected', ({ reason }) => reasons.push(reason))
      const [loaded, beside] = await Promise.all([seen(all, cookieValue), seen(all, other)])
      assert.deepEqual(beside, ['active', 'bob', { n: 1 }])
      // If the store has another copy, the session is unchanged.
      if (loaded[0] === 'active') assert.deepEqual(loaded, ['active', 'ann', { list: [1, 'two', { three: null }] }])
      else {
        assert.deepEqual(loaded, ['new', undefined, {}])
        assert.equal(reasons.length, 1)
        assert.ok(['undecodable', 'unknown'].includes(reasons[0]!), reasons[0])
      }
      await store.delete(key, now)
      assert.equal((await all.load(cookieValue)).status, 'new')
    },
    showsBytes,
  ),
]

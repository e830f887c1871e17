import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { fuzz } from '../test/fuzz.ts'
import { heldStore } from '../test/held-store.ts'
import { hostileEnvelope, SOUND } from '../test/hostile-envelopes.ts'
import { pack, unpack, type DecodedRecord } from './codec.ts'
import { copy, equal } from './data.ts'
import { encodeEnvelope, frame } from './envelope.ts'
import { SessError } from './error.ts'
import { flashAfter, messagesOf } from './flash.ts'
import { createSessions } from './index.ts'
import { checkJson } from './json.ts'
import { settingsOf } from './settings.ts'
import { DAMAGED_RECORD, decodeRecord, encodeRecord, expiryIn, isSound } from './record.ts'
import { judge, rotatedAway, wasValidAtMarking } from './secrets.ts'
import type { SessionRecord } from './store.ts'
import { digestOf, handleOf, newSecret, subjectTag } from './token.ts'
import { rememberedFrom, remembers, writesWith } from './write-log.ts'

const NOW = SOUND.createdAt + 1000
const KEY = { tag: subjectTag('ann', undefined), id: 'b'.repeat(16) }
const TIMEOUT_MS = 600_000
const settings = settingsOf({
  store: heldStore(),
  clock: () => NOW,
  schemaVersion: 1,
  migrate: (data) => ({ ...(data as object), migrated: true }),
})

function recordOf(payload: Uint8Array): SessionRecord {
  return { revision: 7, expiresAt: NOW + 60_000, subject: 'ann', payload }
}

/** What each operation of a request does with what was read. */
function use({ key, record, envelope, content }: DecodedRecord): void {
  const digest = digestOf('secret')
  judge(envelope, digest, NOW)
  wasValidAtMarking(envelope, digest)
  assert.ok(!remembers(envelope, '0'.repeat(12)))
  assert.ok(Number.isInteger(rememberedFrom(envelope, record.revision)))
  assert.ok(equal(copy(content.data), content.data))
  const [name = 'notice'] = Object.keys(content.flash)
  const taken = messagesOf(content.flash, name)
  for (const message of taken) checkJson(message, 'a message that could not have been left')
  const flash = flashAfter(content.flash, [
    { name, taken },
    { name, left: 'Saved' },
  ])
  const writes = writesWith(envelope, '0'.repeat(12))
  const earlier = rotatedAway(envelope, NOW, 1000)
  const next = pack(settings, key, { ...record, revision: 8 }, { ...envelope, writes, earlier }, { ...content, flash })
  const again = unpack(settings, key, next.record)
  assert.ok(again && remembers(again.envelope, '0'.repeat(12)), 'what was written from it is not read')
}

test(
  'a hostile envelope with a valid checksum is reported, or gives a session that works',
  { timeout: TIMEOUT_MS },
  () => {
    let [read, refused] = [0, 0]
    fuzz(1, hostileEnvelope, (body) => {
      let held: DecodedRecord | undefined
      try {
        held = unpack(settings, KEY, recordOf(frame(body, false, 'ann')))
      } catch (error) {
        assert.ok(error instanceof SessError && error.code === 'configuration', String(error))
      }
      if (held) use(held)
      if (held) read++
      else refused++
    })
    // Both ways were gone, many times.
    expect(Math.min(read, refused)).toBeGreaterThan(10_000)
  },
)

test(
  'a hostile record head with a valid checksum is found damaged, or is a head that core can write',
  { timeout: TIMEOUT_MS },
  () => {
    const numbers = [
      0,
      -0,
      1,
      -1,
      0.5,
      7,
      NOW,
      2 ** 53 - 2,
      2 ** 53 - 1,
      2 ** 53,
      8.64e15,
      8.64e15 + 2,
      1e300,
      Infinity,
      NaN,
    ]
    let [sound, damaged] = [0, 0]
    fuzz(
      2,
      (draw) => {
        const bytes = encodeRecord({
          revision: draw.of([...numbers, 1 + draw.below(1e9)]),
          expiresAt: draw.of([...numbers, NOW + draw.below(1e9)]),
          subject: draw.of(['', 'ann', 'é', 'a'.repeat(1024), 'a'.repeat(1025), '\u0000']),
          payload: Buffer.alloc(draw.below(40)),
        })
        if (draw.below(3)) return bytes
        const changed = draw.changed(bytes)
        // The checksum is right again, wherever the head ends now.
        if (changed.length >= 22)
          changed.writeUInt32BE(crc32(changed.subarray(4, Math.min(22 + changed.readUInt16BE(20), changed.length))))
        return changed
      },
      (bytes) => {
        expiryIn(bytes)
        const record = decodeRecord(bytes)
        if (!record || record === DAMAGED_RECORD) return void damaged++
        assert.ok(isSound(record) && Number.isSafeInteger(record.revision + 1) && Number.isFinite(record.expiresAt))
        sound++
      },
    )
    expect(Math.min(sound, damaged)).toBeGreaterThan(10_000)
  },
)

test('a session from hostile bytes that pass every check works until its end', { timeout: TIMEOUT_MS }, async () => {
  const store = heldStore()
  const sessions = createSessions({ store, clock: () => NOW, log: false })
  const secret = newSecret()
  const bodies: Uint8Array[] = []
  fuzz(
    3,
    (draw) => (draw.below(100) ? undefined : hostileEnvelope(draw)),
    (body) => void (body && bodies.push(body)),
  )
  let used = 0
  for (const body of bodies) {
    const json = Buffer.from(body).toString().replace(SOUND.digest, digestOf(secret))
    store.records.set(handleOf(KEY), recordOf(frame(Buffer.from(json), false, 'ann')))
    const session = await sessions.load(handleOf(KEY) + secret).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'configuration' })
    })
    if (session?.status !== 'active') continue
    used++
    session.flashed('notice')
    session.flash('notice', 'Saved')
    session.data['mine'] = 1
    expect((await session.commit()).status).toBe('saved')
    expect(await session.update((data) => void (data['mine'] = 2))).toMatchObject({ status: 'saved' })
    const { cookieValue } = await session.regenerate()
    const again = await sessions.load(cookieValue)
    expect([again.status, again.data['mine'], again.flashed('notice').at(-1)]).toEqual(['active', 2, 'Saved'])
    expect((await again.login('ann')).status).toBe('saved')
    await again.logout()
  }
  expect(used).toBeGreaterThan(100)
})

test.each([
  ['JSON', undefined],
  [
    'another serializer',
    {
      name: 'loose',
      serialize: (value: object) => Buffer.from(JSON.stringify(value)),
      deserialize: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
    },
  ],
])('data that is nested past any stack is refused both ways: %s', async (_, serializer) => {
  const store = heldStore()
  const sessions = createSessions({ store, clock: () => NOW, log: false, ...(serializer && { serializer }) })
  const session = await sessions.load(undefined)
  const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown
  const round: unknown[] = []
  round.push(round)
  // Through objects that hold their parents there are more ways than time.
  const tree: { children: object[] } = { children: [] }
  for (let i = 0; i < 20; i++) tree.children.push({ parent: tree })
  for (const value of [deep, round, tree]) {
    session.data['value'] = value
    await expect(session.commit()).rejects.toMatchObject({ code: 'unserializable' })
    await expect(session.update((data) => void (data['n'] = 1))).rejects.toMatchObject({ code: 'unserializable' })
    await expect(session.login('ann')).rejects.toMatchObject({ code: 'unserializable' })
    expect(() => session.flash('notice', value)).toThrow(expect.objectContaining({ code: 'unserializable' }))
    await session.logout()
  }
  // And through objects that share what they hold.
  let web: object = {}
  for (let level = 0; level < 50; level++) web = { left: web, right: web }
  session.data['value'] = web
  await expect(session.commit()).rejects.toMatchObject({ code: 'unserializable' })
  delete session.data['value']
  expect(() => session.flash('notice', web)).toThrow(/ is past the 1000000 values that one session may hold/)
  session.data['n'] = 1
  const { cookieValue } = await session.commit()
  const [[handle, record]] = [...store.records] as [[string, SessionRecord]]
  const reasons: string[] = []
  sessions.on('rejected', ({ reason }) => reasons.push(reason))
  const body = encodeEnvelope(
    { ...SOUND, digest: digestOf(cookieValue!.slice(28)), serializer: serializer?.name ?? 'json' },
    Buffer.from(`{"a":${JSON.stringify(1)},"b":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
  )
  store.records.set(handle, { ...record, payload: frame(body, false) })
  expect([(await sessions.load(cookieValue)).status, reasons]).toEqual(['new', ['undecodable']])
})

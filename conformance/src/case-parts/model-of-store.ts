import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { AnyRecord, SessionKey, SessionRecord, SessionStore } from '@sess/core'
import * as fc from 'fast-check'
import { asExpected, sum } from '@sess/core/adapter'
import { all } from './case.ts'

/** The model of a store: the contract on a Map. */
export interface Model {
  readonly records: Map<SessionKey, SessionRecord>
  now: number
}

/** The store on trial: several clients, and keys that no other run uses. */
export interface Real {
  readonly clients: readonly SessionStore[]
  /** The keys, under two tags. The last one but one has the id of the first one. */
  readonly keys: readonly SessionKey[]
}

/** How many keys a run has: the first three are under one tag, the others under another. */
export const KEYS = 5
/** How many of them are under the first tag. */
export const KEYS_OF_FIRST_TAG = 3

type Command = fc.AsyncCommand<Model, Real>

function live({ records }: Model, key: SessionKey, now: number): SessionRecord | undefined {
  const record = records.get(key)
  return record && now < record.expiresAt ? record : undefined
}

function shown(record: AnyRecord | undefined, resolution: number): unknown {
  return (
    record && {
      revision: record.revision,
      ...(record.subject !== undefined && { subject: record.subject }),
      expiresAt: Math.floor(record.expiresAt / resolution),
      payload: text(record.payload),
    }
  )
}

/** A copy of a payload, cut to the size that a store takes. */
function fitting(bytes: Uint8Array, { traits }: SessionStore): Uint8Array {
  return new Uint8Array(bytes.subarray(0, traits.maxPayloadBytes))
}

/** Bytes for a comparison: the digest of many. */
function text(bytes: Uint8Array): string {
  if (bytes.length <= 64) return Buffer.from(bytes).toString('hex')
  return `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex')}`
}

/** Makes a command: a call of one client, whose answer is compared with the model. */
function command(text: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => text }
}

/** Makes the expected record of a write: an earlier version, or a record that never existed. */
function expectation(there: SessionRecord | undefined, off: number, model: Model): SessionRecord {
  const record = there ?? { revision: 1, expiresAt: model.now + 1000, payload: new Uint8Array() }
  return { ...record, revision: record.revision + off }
}

/** The clock of a caller differs by this much at most from the clock of the run, in ms. No record is written that only some call live. */
const APART_MS = 800

/** Who calls: one of the clients, and how far its clock is ahead of the clock of the run, in ms. */
interface Caller {
  readonly client: number
  readonly ahead: number
}

const client = fc.nat({ max: 1 })
const together: fc.Arbitrary<Caller> = client.map((one) => ({ client: one, ahead: 0 }))
const apart: fc.Arbitrary<Caller> = fc.record({
  client,
  ahead: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(-APART_MS, APART_MS) },
  ),
})

const shownCaller = ({ client: one, ahead }: Caller): string =>
  `client ${one}${ahead ? `, whose clock is ${Math.abs(ahead)} ms ${ahead > 0 ? 'ahead' : 'behind'},` : ''}`

const key = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat({ max: KEYS - 1 }) })
/** A subject: mostly the same, so that calls meet. */
const owner = fc.constantFrom('ann', 'ann', 'ann', 'bob')
const payload: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 1, arbitrary: fc.constantFrom(300, 5000, 70_000).map((size) => Buffer.alloc(size, `${size} bytes, `)) },
)
/** The life of a record by the clock of the run, in ms; negative for a record that has expired. */
const life = fc.oneof(
  fc.integer({ min: -APART_MS - 5, max: -APART_MS }),
  fc.integer({ min: APART_MS + 100, max: 70_000 }),
)
/** The same where all clocks agree. */
const anyLife = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 900, max: 70_000 }))
/** The difference to the stored revision: 0 for the stored revision, otherwise a wrong one. */
const off = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) })

/** Makes the calls that every store has. */
function calls(caller: fc.Arbitrary<Caller>, lives: fc.Arbitrary<number>): readonly fc.Arbitrary<Command>[] {
  const read = fc.tuple(caller, key, fc.boolean()).map(([by, k, fresh]) =>
    command(`${shownCaller(by)} reads key ${k}`, async (model, { clients, keys }) => {
      const it = clients[by.client]!
      const now = model.now + by.ahead
      const record = await it.read(keys[k]!, now, { fresh })
      const { expiryResolutionMs } = it.traits
      assert.deepEqual(shown(record, expiryResolutionMs), shown(live(model, keys[k]!, now), expiryResolutionMs))
    }),
  )
  const create = fc
    .tuple(caller, key, lives, payload, fc.option(owner, { nil: undefined }))
    .map(([by, k, ms, bytes, subject]) =>
      command(`${shownCaller(by)} creates key ${k} for ${ms} ms, of ${subject}`, async (model, { clients, keys }) => {
        const at = keys[k]!
        const now = model.now + by.ahead
        const record = {
          revision: 1,
          expiresAt: model.now + ms,
          payload: fitting(bytes, clients[by.client]!),
          ...(subject !== undefined && { subject }),
        }
        const free = !live(model, at, now)
        assert.equal(await clients[by.client]!.create(at, record, now), free)
        if (free) model.records.set(at, record)
      }),
    )
  const replace = fc.tuple(caller, key, lives, payload, off).map(([by, k, ms, bytes, wrong]) =>
    command(
      `${shownCaller(by)} replaces key ${k}${wrong ? `, expecting a revision off by ${wrong}` : ''}`,
      async (model, { clients, keys }) => {
        const at = keys[k]!
        const now = model.now + by.ahead
        const there = live(model, at, now)
        const expected = expectation(model.records.get(at), wrong, model)
        const next = {
          ...expected,
          revision: expected.revision + 1,
          expiresAt: model.now + ms,
          payload: fitting(bytes, clients[by.client]!),
        }
        const answer = there ? (wrong ? 'conflict' : 'replaced') : 'missing'
        assert.equal(await clients[by.client]!.replace(at, asExpected(expected), next, now), answer)
        if (answer === 'replaced') model.records.set(at, next)
      },
    ),
  )
  const touch = fc.tuple(caller, key, lives, off).map(([by, k, ms, wrong]) =>
    command(`${shownCaller(by)} touches key ${k} to ${ms} ms`, async (model, { clients, keys }) => {
      const at = keys[k]!
      const now = model.now + by.ahead
      const there = live(model, at, now)
      const expected = expectation(model.records.get(at), wrong, model)
      const answer = there ? (wrong ? 'conflict' : 'touched') : 'missing'
      const expiresAt = model.now + ms
      assert.equal(await clients[by.client]!.touch(at, asExpected(expected), expiresAt, now), answer)
      if (there && answer === 'touched')
        model.records.set(at, { ...there, expiresAt: Math.max(there.expiresAt, expiresAt) })
    }),
  )
  const remove = fc.tuple(caller, key).map(([by, k]) =>
    command(`${shownCaller(by)} deletes key ${k}`, async (model, { clients, keys }) => {
      const at = keys[k]!
      const now = model.now + by.ahead
      assert.equal(await clients[by.client]!.delete(at, now), live(model, at, now) !== undefined)
      model.records.delete(at)
    }),
  )
  // A run has records soon.
  return [create, create, create, read, replace, replace, touch, remove]
}

const advance = fc
  .constantFrom(1, 900, 1000, 20_000, 60_000)
  .map((ms) => command(`${ms} ms go by`, async (model) => void (model.now += ms)))

/** Moves the time to the expiry of a record, or to the last moment before it. */
const toTheEnd = fc.tuple(key, fc.boolean()).map(([k, before]) =>
  command(`time goes by to ${before ? 'just before ' : ''}the end of key ${k}`, async (model, { clients, keys }) => {
    const { expiresAt = 0 } = model.records.get(keys[k]!) ?? {}
    model.now = Math.max(model.now, expiresAt - (before ? clients[0]!.traits.expiryResolutionMs : 0))
  }),
)

/** The live records of a subject under the tag of a key. */
function of(model: Model, subject: string, { tag }: SessionKey, now: number): SessionKey[] {
  return [...model.records.keys()].filter((at) => at.tag === tag && live(model, at, now)?.subject === subject)
}

const list = fc.tuple(apart, owner, key).map(([by, id, k]) =>
  command(`${shownCaller(by)} lists ${id} under the tag of key ${k}`, async (model, { clients, keys }) => {
    const it = clients[by.client]!
    const now = model.now + by.ahead
    const found = await all(it.list!({ id, tag: keys[k]!.tag }, now))
    const order = ([a]: readonly [SessionKey, unknown], [b]: readonly [SessionKey, unknown]): number =>
      a.id < b.id ? -1 : 1
    const { expiryResolutionMs } = it.traits
    assert.deepEqual(
      found.toSorted(order).map(([at, record]) => [at, shown(record, expiryResolutionMs)]),
      of(model, id, keys[k]!, now)
        .map((at) => [at, model.records.get(at)!] as const)
        .toSorted(order)
        .map(([at, record]) => [at, shown(record, expiryResolutionMs)]),
    )
  }),
)

/** A revocation that spares nothing, or a record of the tag: any that the run has under it. */
const deleteSubject = fc.tuple(apart, owner, key, fc.option(key)).map(([by, id, k, spared]) =>
  command(
    `${shownCaller(by)} revokes ${id} under the tag of key ${k}${spared === null ? '' : `, but for number ${spared} of it`}`,
    async (model, { clients, keys }) => {
      const now = model.now + by.ahead
      const { tag } = keys[k]!
      const its = keys.filter((at) => at.tag === tag)
      const except = spared === null ? undefined : its[spared % its.length]!
      const going = of(model, id, keys[k]!, now).filter((at) => at !== except)
      const went = await sum(clients[by.client]!.deleteSubject!({ id, tag }, now, except))
      assert.ok(went === undefined || went === going.length, `${went} went, not ${going.length}`)
      for (const [at, { subject }] of model.records)
        if (subject === id && at.tag === tag && at !== except) model.records.delete(at)
    },
  ),
)

const count = apart.map((by) =>
  command(`${shownCaller(by)} counts`, async (model, { clients }) => {
    const now = model.now + by.ahead
    const there = [...model.records.keys()].filter((at) => live(model, at, now)).length
    assert.equal(await sum(clients[by.client]!.count!(now)), there)
  }),
)

/** Lists all sessions, and compares only the keys of this run: another run may have left other records. */
const everything = apart.map((by) =>
  command(`${shownCaller(by)} lists everything`, async (model, { clients, keys }) => {
    const now = model.now + by.ahead
    const { expiryResolutionMs } = clients[by.client]!.traits
    const found = new Map((await all(clients[by.client]!.all!(now))).map(([at, record]) => [at.tag + at.id, record]))
    for (const at of keys)
      assert.deepEqual(
        shown(found.get(at.tag + at.id), expiryResolutionMs),
        shown(live(model, at, now), expiryResolutionMs),
      )
  }),
)

const sweep = apart.map((by) =>
  command(`${shownCaller(by)} sweeps`, async (model, { clients }) => {
    const it = clients[by.client]!
    const now = model.now + by.ahead
    const swept = await sum(it.sweep!(now))
    const due = [...model.records].filter(([, { expiresAt }]) => expiresAt + 60_000 <= now)
    // A store may have dropped some records before.
    assert.ok(swept >= 0 && swept <= due.length, `${swept} were swept, and ${due.length} had ended 60 s ago`)
    for (const [at, { expiresAt }] of due) {
      // By a clock of then it would be live, if it was left.
      const then = expiresAt - it.traits.expiryResolutionMs
      assert.equal(await it.read(at, then, { fresh: true }), undefined, 'a record is left that had ended 60 s ago')
      model.records.delete(at)
    }
    assert.equal(await sum(it.sweep!(now)), 0)
  }),
)

/** The calls that every store has, of callers whose clocks agree. */
export const CALLS: readonly fc.Arbitrary<Command>[] = calls(together, anyLife)

/** The calls that every store has, of callers whose clocks differ. */
export const CALLS_APART: readonly fc.Arbitrary<Command>[] = calls(apart, life)

/** The commands that move the time. */
export const TIME: readonly fc.Arbitrary<Command>[] = [advance, toTheEnd]

/** The further calls that this store has. */
export function claimedCalls(store: SessionStore): readonly fc.Arbitrary<Command>[] {
  return [
    ...(store.list ? [list] : []),
    ...(store.all ? [everything] : []),
    ...(store.deleteSubject ? [deleteSubject] : []),
    ...(store.count ? [count] : []),
    ...(store.sweep ? [sweep] : []),
  ]
}

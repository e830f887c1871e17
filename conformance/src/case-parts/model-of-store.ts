import assert from 'node:assert/strict'
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
  readonly keys: readonly SessionKey[]
}

type Command = fc.AsyncCommand<Model, Real>

const SUBJECTS = [undefined, 'ann', 'bob'] as const

function live({ records, now }: Model, key: SessionKey): SessionRecord | undefined {
  const record = records.get(key)
  return record && now < record.expiresAt ? record : undefined
}

function shown(record: AnyRecord | undefined, resolution: number): unknown {
  return (
    record && {
      revision: record.revision,
      ...(record.subject !== undefined && { subject: record.subject }),
      expiresAt: Math.floor(record.expiresAt / resolution),
      payload: Buffer.from(record.payload).toString('hex'),
    }
  )
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

const key = fc.nat({ max: 3 })
const client = fc.nat({ max: 1 })
const payload = fc.uint8Array({ maxLength: 12 })
/** The life of a record, in ms; negative for a record that has expired. */
const life = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 900, max: 70_000 }))
/** The difference to the stored revision: 0 for the stored revision, otherwise a wrong one. */
const off = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) })

const read = fc.tuple(client, key, fc.boolean()).map(([c, k, fresh]) =>
  command(`client ${c} reads key ${k}`, async (model, { clients, keys }) => {
    const { traits } = clients[c]!
    const record = await clients[c]!.read(keys[k]!, model.now, { fresh })
    assert.deepEqual(shown(record, traits.expiryResolutionMs), shown(live(model, keys[k]!), traits.expiryResolutionMs))
  }),
)

const create = fc.tuple(client, key, life, payload, fc.nat({ max: 2 })).map(([c, k, ms, bytes, s]) =>
  command(`client ${c} creates key ${k} for ${ms} ms, of ${SUBJECTS[s]}`, async (model, { clients, keys }) => {
    const at = keys[k]!
    const subject = SUBJECTS[s]
    const record = {
      revision: 1,
      expiresAt: model.now + ms,
      payload: new Uint8Array(bytes),
      ...(subject !== undefined && { subject }),
    }
    const free = !live(model, at)
    assert.equal(await clients[c]!.create(at, record, model.now), free)
    if (free) model.records.set(at, record)
  }),
)

const replace = fc.tuple(client, key, life, payload, off).map(([c, k, ms, bytes, by]) =>
  command(
    `client ${c} replaces key ${k}${by ? `, expecting a revision off by ${by}` : ''}`,
    async (model, { clients, keys }) => {
      const at = keys[k]!
      const there = live(model, at)
      const expected = expectation(model.records.get(at), by, model)
      const next = {
        ...expected,
        revision: expected.revision + 1,
        expiresAt: model.now + ms,
        payload: new Uint8Array(bytes),
      }
      const answer = there ? (by ? 'conflict' : 'replaced') : 'missing'
      assert.equal(await clients[c]!.replace(at, asExpected(expected), next, model.now), answer)
      if (answer === 'replaced') model.records.set(at, next)
    },
  ),
)

const touch = fc.tuple(client, key, life, off).map(([c, k, ms, by]) =>
  command(`client ${c} touches key ${k} to ${ms} ms`, async (model, { clients, keys }) => {
    const at = keys[k]!
    const there = live(model, at)
    const expected = expectation(model.records.get(at), by, model)
    const answer = there ? (by ? 'conflict' : 'touched') : 'missing'
    const expiresAt = model.now + ms
    assert.equal(await clients[c]!.touch(at, asExpected(expected), expiresAt, model.now), answer)
    if (there && answer === 'touched')
      model.records.set(at, { ...there, expiresAt: Math.max(there.expiresAt, expiresAt) })
  }),
)

const remove = fc.tuple(client, key).map(([c, k]) =>
  command(`client ${c} deletes key ${k}`, async (model, { clients, keys }) => {
    const at = keys[k]!
    assert.equal(await clients[c]!.delete(at, model.now), live(model, at) !== undefined)
    model.records.delete(at)
  }),
)

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

function of(model: Model, subject: string): SessionKey[] {
  return [...model.records.keys()].filter((at) => live(model, at)?.subject === subject)
}

const list = fc.tuple(client, fc.constantFrom('ann', 'bob')).map(([c, id]) =>
  command(`client ${c} lists ${id}`, async (model, { clients, keys }) => {
    const found = await all(clients[c]!.list!({ id, tag: keys[0]!.tag }, model.now))
    const by = ([a]: readonly [SessionKey, unknown], [b]: readonly [SessionKey, unknown]): number =>
      a.id < b.id ? -1 : 1
    const { expiryResolutionMs } = clients[c]!.traits
    assert.deepEqual(
      found.toSorted(by).map(([at, record]) => [at.id, shown(record, expiryResolutionMs)]),
      of(model, id)
        .map((at) => [at, model.records.get(at)!] as const)
        .toSorted(by)
        .map(([at, record]) => [at.id, shown(record, expiryResolutionMs)]),
    )
  }),
)

const deleteSubject = fc.tuple(client, fc.constantFrom('ann', 'bob'), fc.option(key)).map(([c, id, spared]) =>
  command(
    `client ${c} revokes ${id}${spared === null ? '' : ` but key ${spared}`}`,
    async (model, { clients, keys }) => {
      const except = spared === null ? undefined : keys[spared]!
      const going = of(model, id).filter((at) => at !== except)
      const went = await sum(clients[c]!.deleteSubject!({ id, tag: keys[0]!.tag }, model.now, except))
      assert.ok(went === undefined || went === going.length, `${went} went, not ${going.length}`)
      for (const [at, { subject }] of model.records) if (subject === id && at !== except) model.records.delete(at)
    },
  ),
)

const count = client.map((c) =>
  command(`client ${c} counts`, async (model, { clients }) => {
    const there = [...model.records.keys()].filter((at) => live(model, at)).length
    assert.equal(await sum(clients[c]!.count!(model.now)), there)
  }),
)

/** Lists all sessions, and compares only the keys of this run: another run may have left other records. */
const everything = client.map((c) =>
  command(`client ${c} lists everything`, async (model, { clients, keys }) => {
    const { expiryResolutionMs } = clients[c]!.traits
    const found = new Map((await all(clients[c]!.all!(model.now))).map(([at, record]) => [at.tag + at.id, record]))
    for (const at of keys)
      assert.deepEqual(shown(found.get(at.tag + at.id), expiryResolutionMs), shown(live(model, at), expiryResolutionMs))
  }),
)

const sweep = client.map((c) =>
  command(`client ${c} sweeps`, async (model, { clients }) => {
    const swept = await sum(clients[c]!.sweep!(model.now))
    const due = [...model.records].filter(([, { expiresAt }]) => expiresAt + 60_000 <= model.now)
    // A store may have dropped some records before.
    assert.ok(swept >= 0 && swept <= due.length, `${swept} were swept, and ${due.length} had ended 60 s ago`)
    for (const [at] of due) model.records.delete(at)
    assert.equal(await sum(clients[c]!.sweep!(model.now)), 0)
  }),
)

/** The calls that every store has. */
export const CALLS: readonly fc.Arbitrary<Command>[] = [read, create, replace, touch, remove]

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

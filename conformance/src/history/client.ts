import { setImmediate } from 'node:timers/promises'
import { isSessError, type SessErrorCode, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { asExpected, sum } from '@sess/core/adapter'
import { randomFrom } from '../random.ts'
import type { Answer, Call, Operation, Version } from './history.ts'

/** A plan for the calls of one client on one record. */
export interface Play {
  /** The name of the client, for the report. */
  readonly client: string
  readonly key: SessionKey
  /** The subject of the record. */
  readonly subject?: string
  /** The seed of the random choices. */
  readonly seed: number
  /** How many calls the client makes. */
  readonly calls: number
  readonly now: number
  /** Default: read, create, replace, touch, delete. */
  readonly kinds?: readonly Call['kind'][]
  /** The lives of the records, in ms, among which each write chooses. Default: an hour. */
  readonly lives?: readonly number[]
}

/** Who makes a call, and of which record. */
export type Caller = Pick<Play, 'client' | 'key' | 'subject' | 'now'>

/** The weight of each kind of call in a choice among the possible kinds. */
const WEIGHTS: Readonly<Record<Call['kind'], number>> = {
  read: 5,
  create: 3,
  replace: 8,
  touch: 3,
  delete: 2,
  revoke: 1,
}
/** The life of a record, in ms. */
const LIFE_MS = 3_600_000
/** The codes of errors that promise that a write was not and will not be applied. */
const PROMISES: readonly SessErrorCode[] = ['store_unavailable', 'store_full', 'too_large', 'unsupported']

/** The clock that all processes of this machine share, in ms. */
const clock: () => number = process.versions['bun']
  ? // In Bun, hrtime begins with the process.
    () => performance.timeOrigin + performance.now()
  : () => Number(process.hrtime.bigint()) / 1e6

/** Makes random calls of a store, and records the answers. */
export async function play(store: SessionStore, plan: Play): Promise<Operation[]> {
  const { client, seed, calls, now, kinds = ['read', 'create', 'replace', 'touch', 'delete'], lives = [LIFE_MS] } = plan
  const random = randomFrom(seed)
  const operations: Operation[] = []
  let known: Version | undefined
  for (let i = 0; i < calls; i++) {
    for (let turns = Math.floor(random() * 3); turns > 0; turns--) await setImmediate()
    const life = lives.length > 1 ? lives[Math.floor(random() * lives.length)]! : lives[0]!
    const call = choose(kinds, known, random, `${client.at(-1)}-${i}`, now + life + i)
    const operation = await made(store, plan, call)
    if (!operation) continue
    operations.push(operation)
    if (operation.answer !== undefined) known = knownAfter(call, operation.answer, known)
  }
  return operations
}

/** Makes a call, and records it. Undefined: it failed, and certainly changed nothing. */
export async function made(store: SessionStore, caller: Caller, call: Call): Promise<Operation | undefined> {
  const { client, now } = caller
  const from = clock()
  try {
    const answer = await perform(store, caller, call)
    return { client, now, call, answer, from, to: clock() }
  } catch (error) {
    if (call.kind === 'read' || isSessError(error, ...PROMISES)) return undefined
    return { client, now, call, answer: undefined, from, to: Infinity }
  }
}

function choose(
  kinds: readonly Call['kind'][],
  expected: Version | undefined,
  random: () => number,
  payload: string,
  expiresAt: number,
): Call {
  const possible = kinds.filter((kind) => expected || (kind !== 'replace' && kind !== 'touch'))
  let left = random() * possible.reduce((sum, kind) => sum + WEIGHTS[kind], 0)
  const kind = possible.find((one) => (left -= WEIGHTS[one]) < 0) ?? 'read'
  switch (kind) {
    case 'read':
      return { kind, fresh: random() < 0.5 }
    case 'create':
      return { kind, payload, expiresAt }
    case 'replace':
      return { kind, payload, expiresAt, expected: expected! }
    case 'touch':
      return { kind, expiresAt: expiresAt + 1000, expected: expected! }
    default:
      return { kind }
  }
}

async function perform(store: SessionStore, { key, subject, now }: Caller, call: Call): Promise<Answer> {
  const record = ({ revision, payload, expiresAt }: Version): SessionRecord => ({
    revision,
    expiresAt,
    payload: Buffer.from(payload),
    ...(subject !== undefined && { subject }),
  })
  switch (call.kind) {
    case 'read': {
      const read = await store.read(key, now, { fresh: call.fresh })
      if (!read) return 'missing'
      const { revision, expiresAt, payload } = read
      return { revision, expiresAt, payload: Buffer.from(payload).toString() }
    }
    case 'create':
      return store.create(key, record({ ...call, revision: 1 }), now)
    case 'replace': {
      const next = { ...call, revision: call.expected.revision + 1 }
      return store.replace(key, asExpected(record(call.expected)), record(next), now)
    }
    case 'touch':
      return store.touch(key, asExpected(record(call.expected)), call.expiresAt, now)
    case 'delete':
      return store.delete(key, now)
    case 'revoke':
      return (await sum(store.deleteSubject!({ id: subject!, tag: key.tag }, now))) ?? 'done'
  }
}

/** The version that the client expects after a call. It may be out of date on purpose. */
function knownAfter(call: Call, answer: Answer, known: Version | undefined): Version | undefined {
  if (typeof answer === 'object') return answer
  if (call.kind === 'create' && answer === true) return { ...call, revision: 1 }
  if (call.kind === 'replace' && answer === 'replaced') return { ...call, revision: call.expected.revision + 1 }
  return answer === 'missing' ? undefined : known
}

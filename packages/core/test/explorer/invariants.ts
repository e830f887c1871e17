/** The invariants of the design, as checks: when a call has arrived at the store, and when all requests have ended. */
import { handle, type Step } from '../records.ts'
import type { SessionRecord } from '../../src/store.ts'
import { Reader, type Core, type Seen } from './core.ts'
import { checkEndings } from './endings.ts'
import { OTHER, SUBJECT, type Operation } from './requests.ts'
import { historyTo, type Point } from './runs.ts'
import type { Arrival, Checks, Scene, State } from './scheduler.ts'

/** How long a marker lives, in ms. */
export const MARKER_LIFE = 60_000

/** Makes the checks for a core. */
export function invariants(core: Core): Checks {
  const reader = new Reader(core)
  return {
    onArrival: (scene, arrival) => checkArrival(core, reader, scene, arrival),
    atEnd: (scene, state) => checkEndings(core, reader, scene, state),
  }
}

/** Who an operation signs in. */
export function signsIn(operation: Operation): string | undefined {
  return operation === 'login' ? SUBJECT : operation === 'login-other' ? OTHER : undefined
}

/** The secret in a cookie value. */
export function secretOf(cookie: string): string {
  return cookie.slice(28)
}

function checkArrival(core: Core, reader: Reader, scene: Scene, arrival: Arrival): readonly string[] {
  const { step, answer, seat } = arrival
  const wrong: string[] = []
  const say = (invariant: number, what: string): void =>
    void wrong.push(`invariant ${invariant}: ${seat}'s ${step.method} ${what}`)
  if (step.method === 'create' && answer === true) checkCreate(core, reader, scene, arrival, step, say)
  if (step.method === 'replace' && answer === 'replaced') checkReplace(core, reader, scene, arrival, step, say)
  if (step.method === 'touch' && answer === 'touched') {
    const verdict = judged(
      core,
      scene,
      arrival,
      handle(step.key),
      reader.read(arrival.before.records.get(handle(step.key))!),
    )
    if (verdict !== 'current' && verdict !== 'kept') say(3, `moved the clock of a session under a ${verdict} secret`)
  }
  if (step.method === 'delete' && answer === true) checkDelete(reader, arrival, step, say)
  if (step.method === 'deleteSubject') {
    const spared = step.except && handle(step.except)
    for (const [name, record] of arrival.after.records)
      if (record.subject === step.subject.id && name !== spared) say(1, 'left a session of the subject')
    if (arrival.request.operation === 'revoke-others' && spared !== undefined && spared !== scene.start.handle)
      say(1, 'spared a session that is not its own')
  }
  return wrong
}

type Say = (invariant: number, what: string) => void
type StepOf<Method> = Extract<Step, { method: Method }>

function checkCreate(
  core: Core,
  reader: Reader,
  scene: Scene,
  arrival: Arrival,
  step: StepOf<'create'>,
  say: Say,
): void {
  const name = handle(step.key)
  const { before, request, point } = arrival
  const { data, digest, earlier } = reader.read(step.record)
  if (before.dead.includes(name)) say(1, 'brought a deleted session back to life')
  if (name === scene.start.handle) say(5, 'took over a handle that came in a cookie')
  if (creations(point).filter((made) => handle(made.key) === name).length > 0)
    say(9, 'was sent again under its key after its outcome was unknown')
  const subject = signsIn(request.operation)
  if (step.record.subject !== subject)
    say(4, `made a session of ${step.record.subject} in a request that signs in ${subject}`)
  if (subject !== undefined && step.key.tag !== core.token.subjectTag(subject, undefined))
    say(6, 'put a tag of another subject')
  if (Object.values(scene.start.cookies).some((cookie) => digestOf(core, cookie) === digest))
    say(4, 'kept a secret that was there before the sign-in')
  if (earlier.length > 0) say(4, 'took earlier secrets along to a new session')
  const owner = request.cookie === 'forged' ? undefined : loadedRecord(point)?.subject
  if (owner !== undefined && owner !== subject && Object.keys(data).length > 0)
    say(4, `carried ${Object.keys(data).join()} from one subject to another`)
}

function checkReplace(
  core: Core,
  reader: Reader,
  scene: Scene,
  arrival: Arrival,
  step: StepOf<'replace'>,
  say: Say,
): void {
  const name = handle(step.key)
  const before = reader.read(arrival.before.records.get(name)!)
  const after = reader.read(step.record)
  const { request, point } = arrival
  if (after.record.revision !== before.record.revision + 1) say(2, 'did not count the revision up')
  if (after.record.subject !== before.record.subject) say(4, 'changed the subject of a record')
  if (before.marker) say(4, 'wrote to a marker')
  const ids = new Set(before.writeIds)
  const added = after.writeIds.filter((id) => !ids.has(id))
  if (added.length !== 1) say(9, `${added.length === 0 ? 'was applied twice' : 'added more than one write ID'}`)
  if (after.writeIds.length < Math.min(8, before.writeIds.length + 1)) say(9, 'forgot write IDs')
  const verdict = judged(core, scene, arrival, name, before)
  if (after.marker && !before.marker) {
    checkMarker(scene, before, after, arrival, step, verdict, say)
    return
  }
  if (verdict !== 'current' && verdict !== 'kept') say(3, `wrote under a secret that was ${verdict}`)
  if (after.digest === before.digest) {
    const forgotten = before.earlier.filter(
      (old) =>
        step.now < old.knownUntil &&
        !after.earlier.some(
          (now) => now.digest === old.digest && now.keptUntil === old.keptUntil && now.knownUntil === old.knownUntil,
        ),
    )
    if (forgotten.length > 0) say(3, 'changed the earlier secrets, and is no rotation')
    return
  }
  if (verdict !== 'current') say(3, `rotated a secret that was ${verdict}`)
  if (!/^(regenerate|login)/.test(request.operation)) say(3, 'rotated the secret, and was not asked to')
  if (signsIn(request.operation) !== undefined && signsIn(request.operation) !== before.record.subject)
    say(4, 'signed a subject in under the key that was there before')
  const keep = request.operation === 'regenerate-keep' ? 10_000 : 0
  for (const old of [{ digest: before.digest, knownUntil: Infinity }, ...before.earlier]) {
    if (step.now >= old.knownUntil) continue
    const now = after.earlier.find(({ digest }) => digest === old.digest)
    const own = old.digest === before.digest
    if (!now) say(3, 'forgot a secret that it superseded')
    else if (now.keptUntil > step.now + (own ? keep : 0))
      say(3, own ? 'keeps the old secret too long' : 'left the window of an earlier secret open')
    else if (own && now.keptUntil < step.now + keep) say(3, 'does not keep the old secret as asked')
    else if (now.knownUntil < Math.max(now.keptUntil, step.now) + 60_000)
      say(3, 'forgets a superseded secret too early')
  }
  if (creations(point).length > 0) say(3, 'rotated the secret of a session that it had just made')
}

/** The data of a marker is that of the session as it stood; of a subject's, none. */
function checkMarker(
  scene: Scene,
  before: Seen,
  after: Seen,
  { request, point }: Arrival,
  step: StepOf<'replace'>,
  verdict: string,
  say: Say,
): void {
  const subject = signsIn(request.operation)
  if (subject === undefined || subject === scene.start.subject) say(4, 'made a marker, and did not sign in anew')
  if (verdict !== 'current') say(4, `made a marker under a secret that was ${verdict}`)
  if (creations(point).length === 0) say(4, 'made a marker before the new session was there')
  if (after.record.expiresAt > step.now + MARKER_LIFE) say(4, 'made a marker that lives longer than 60 s')
  if (before.record.subject !== undefined && Object.keys(after.data).length > 0)
    say(4, 'left the data of a subject in a marker')
  if (before.record.subject === undefined && JSON.stringify(after.data) !== JSON.stringify(before.data))
    say(4, 'did not leave the data in the marker as it stood')
  if (after.digest !== before.digest) say(4, 'made a marker that does not know the secret')
}

function checkDelete(reader: Reader, { before, request, point }: Arrival, step: StepOf<'delete'>, say: Say): void {
  if (!/^(logout|revoke)$/.test(request.operation)) say(1, 'deleted a session, and was not asked to')
  if (request.operation !== 'logout') return
  if (request.cookie === 'forged') say(5, 'ended a session whose secret it does not have')
  const record = loadedRecord(point)
  if (record && reader.read(record).marker && before.records.has(handle(step.key))) say(4, 'deleted a marker')
}

/** What the secret that a request has for a record is worth, by the record as it stands. */
function judged(
  core: Core,
  scene: Scene,
  { point, request, step }: Arrival,
  name: string,
  seen: Seen,
): 'current' | 'kept' | 'superseded' | 'unknown' {
  const own = creations(point).some(({ key }) => handle(key) === name)
  // Nobody else has the cookie of a session that a request has made, and one operation does not rotate it.
  if (own) return 'current'
  const cookie = scene.start.cookies[request.cookie]
  if (name !== scene.start.handle || cookie === undefined) return 'unknown'
  const digest = digestOf(core, cookie)
  if (seen.marker) return 'superseded'
  if (seen.digest === digest) return 'current'
  const earlier = seen.earlier.find((old) => old.digest === digest)
  return earlier ? (step.now < earlier.keptUntil ? 'kept' : 'superseded') : 'unknown'
}

/** The record that a request read first, when it loaded its session. */
export function loadedRecord(point: Point): SessionRecord | undefined {
  const heard = historyTo(point)[0]?.heard
  return typeof heard === 'object' ? (heard.value as SessionRecord | undefined) : undefined
}

/** The creates that a request has sent before it came to a point. */
function creations(point: Point): StepOf<'create'>[] {
  return historyTo(point).flatMap(({ point: { call } }) => (call?.method === 'create' ? [call] : []))
}

/** The digest of the secret in a cookie value. */
export function digestOf(core: Core, cookie: string): string {
  return core.token.digestOf(secretOf(cookie))
}

/** The record under a handle that is no marker. */
export function session(reader: Reader, state: State, name: string | undefined): Seen | undefined {
  const record = name === undefined ? undefined : state.records.get(name)
  const seen = record && reader.read(record)
  return seen?.marker ? undefined : seen
}

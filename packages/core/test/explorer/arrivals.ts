/** The checks of each write, right after the store has applied it. */
import { handle, type Step } from '../records.ts'
import type { Seen } from './core.ts'
import { PEPPER, SUBJECT, WINDOW } from './requests.ts'
import type { Arrival } from './scheduler.ts'
import {
  creations,
  digestIn,
  isOwn,
  KNOWN_FOR_MS,
  loadedRecord,
  LONGEST_WINDOW,
  signsIn,
  worth,
  worthAtLoad,
  type Bench,
  type Worth,
} from './secrets.ts'

type StepOf<Method> = Extract<Step, { method: Method }>

export function checkArrival(bench: Bench, arrival: Arrival): void {
  const { step, answer, seat } = arrival
  const named: Bench = { ...bench, say: (invariant, what) => bench.say(invariant, `${seat}'s ${step.method} ${what}`) }
  if (step.method === 'create' && answer === true) checkCreate(named, arrival, step)
  if (step.method === 'replace' && answer === 'replaced') checkReplace(named, arrival, step)
  if (step.method === 'touch' && answer === 'touched') {
    const verdict = holds(named, arrival, step)
    if (verdict !== 'current' && verdict !== 'kept')
      named.say(3, `moved the clock under a secret that was worth ${verdict}`)
  }
  if (step.method === 'delete' && answer === true) checkDelete(named, arrival, step)
  if (step.method === 'deleteSubject') checkDeleteSubject(named, arrival, step)
}

function checkCreate(
  { core, reader, scene, say }: Bench,
  { before, request, point }: Arrival,
  step: StepOf<'create'>,
): void {
  const { cookies, handle: old } = scene.start
  const name = handle(step.key)
  const { record, data, digest, earlier } = reader.read(step.record)
  const subject = signsIn(request.operation)
  if (before.dead.includes(name)) say(1, 'brought a deleted session back to life')
  if (creations(point, 'lost').some(({ key }) => handle(key) === name))
    say(9, 'was sent again under its key, after its outcome was unknown')
  if (name === old) say(5, 'took over a handle that came in a cookie')
  if (record.subject !== subject) say(4, `made a session of ${record.subject}, and was to sign in ${subject}`)
  if (
    subject !== undefined &&
    step.key.tag !== core.token.subjectTag(subject, scene.start.name === 'old-pepper' ? PEPPER : undefined)
  )
    say(5, 'put a session under a tag that is not its subject’s')
  if (Object.values(cookies).some((cookie) => digestIn(core, cookie) === digest) || earlier.length > 0)
    say(4, 'kept a secret that was there before')
  const owner = request.cookie === 'forged' ? undefined : loadedRecord(point)?.subject
  if (owner !== undefined && owner !== subject && Object.keys(data).length > 0)
    say(4, `carried ${Object.keys(data).join()} from ${owner} to ${subject}`)
}

function checkReplace(bench: Bench, arrival: Arrival, step: StepOf<'replace'>): void {
  const { reader, say } = bench
  const before = reader.read(arrival.before.records.get(handle(step.key))!)
  const after = reader.read(step.record)
  if (after.record.revision !== before.record.revision + 1) say(2, 'did not count the revision up')
  if (after.record.subject !== before.record.subject) say(4, 'changed the subject of a record')
  if (before.marker) say(4, 'wrote to a marker')
  const added = after.writeIds.filter((id) => !before.writeIds.includes(id))
  if (added.length === 0) say(9, 'applied a write that was there already')
  else if (added.length > 1) say(9, 'added more than one write ID')
  if (after.writeIds.length < Math.min(8, before.writeIds.length + 1)) say(9, 'forgot write IDs')
  const verdict = holds(bench, arrival, step)
  if (after.marker) return checkMarker(bench, arrival, step, before, after, verdict)
  if (verdict !== 'current' && verdict !== 'kept') say(3, `wrote under a secret that was worth ${verdict}`)
  if (after.digest !== before.digest) return checkRotation(bench, arrival, step, before, after, verdict)
  const known = before.earlier
    .filter(({ knownUntil }) => step.now < knownUntil)
    .map((old) => ({ ...old, keptUntil: old.keptUntil <= step.now ? 0 : old.keptUntil }))
  const still = after.earlier.filter(({ knownUntil }) => step.now < knownUntil)
  if (JSON.stringify(known) !== JSON.stringify(still))
    say(3, 'changed the earlier secrets, and is no rotation, or left a window that has passed')
}

function checkRotation(
  { scene, say }: Bench,
  { request, point }: Arrival,
  step: StepOf<'replace'>,
  before: Seen,
  after: Seen,
  verdict: Worth,
): void {
  const subject = signsIn(request.operation)
  if (verdict !== 'current') say(3, `rotated the secret under one that was worth ${verdict}`)
  if (!/^(regenerate|login)/.test(request.operation)) say(3, 'rotated the secret, and was not asked to')
  if (subject !== undefined && subject !== before.record.subject)
    say(4, 'signed in under the key that was there before')
  if (creations(point).length > 0) say(3, 'rotated a secret, and had made a session')
  if (subject !== undefined && scene.start.name === 'old-pepper') say(5, 'signed in under the tag of an old pepper')
  const keep = request.operation === 'regenerate-keep' ? WINDOW : 0
  const superseded = [{ digest: before.digest, window: keep }, ...before.earlier.map((old) => ({ ...old, window: 0 }))]
  for (const old of superseded) {
    const found = after.earlier.find(({ digest }) => digest === old.digest)
    if (!found) say(3, 'forgot a secret that it superseded')
    else if (old.window === 0 && found.keptUntil !== 0) say(3, 'leaves a time that a slow clock has not reached')
    else if (found.keptUntil > step.now + old.window) say(3, 'leaves an old secret valid for longer than asked')
    else if (old.window > 0 && found.keptUntil < step.now + old.window) say(3, 'does not keep the old secret as asked')
    else if (found.knownUntil < step.now + old.window + KNOWN_FOR_MS) say(3, 'forgets a superseded secret too early')
  }
}

/** A marker keeps the data of an anonymous session unchanged, and no data of a subject's session. */
function checkMarker(
  { scene, say }: Bench,
  { request, point }: Arrival,
  step: StepOf<'replace'>,
  before: Seen,
  after: Seen,
  verdict: Worth,
): void {
  const subject = signsIn(request.operation)
  const again = subject === scene.start.subject && scene.start.name !== 'old-pepper'
  if (subject === undefined || again) say(4, 'made a marker, and signed nobody else in')
  if (verdict !== 'current') say(4, `made a marker under a secret that was worth ${verdict}`)
  if (creations(point).length === 0) say(4, 'made a marker before the new session was there')
  if (after.record.expiresAt > step.now + KNOWN_FOR_MS) say(4, 'made a marker that lives longer than 60 s')
  if (after.digest !== before.digest) say(4, 'made a marker that does not know the secret')
  // The write may be retried unchanged, so the time of the first try counts.
  const madeAt = after.record.expiresAt - KNOWN_FOR_MS
  for (const { digest, keptUntil } of after.earlier) {
    const window = before.earlier.find((old) => old.digest === digest)?.keptUntil ?? 0
    const valid = madeAt < window && window - LONGEST_WINDOW <= madeAt
    if ((keptUntil !== 0) !== valid) say(4, 'made a marker that does not say which secrets were valid')
  }
  const due = before.record.subject === undefined ? before.data : {}
  if (JSON.stringify(after.data) !== JSON.stringify(due)) say(4, 'left other data in the marker than it should')
}

function checkDelete({ reader, say }: Bench, { before, request, point }: Arrival, step: StepOf<'delete'>): void {
  if (request.operation !== 'logout' && request.operation !== 'revoke') say(1, 'ended a session, and was not asked to')
  if (request.operation !== 'logout') return
  if (request.cookie === 'forged') say(5, 'ended a session whose secret it does not have')
  const record = loadedRecord(point)
  if (record && reader.read(record).marker && before.records.has(handle(step.key))) say(4, 'deleted a marker')
}

function checkDeleteSubject(bench: Bench, { after, request, point }: Arrival, step: StepOf<'deleteSubject'>): void {
  const { scene, say } = bench
  const spared = step.except && handle(step.except)
  const came = worthAtLoad(bench, request, point)
  const owns = scene.start.subject === SUBJECT && (came === 'current' || came === 'kept')
  const others = request.operation === 'revoke-others'
  if (others && !owns) say(1, 'revoked sessions, and was to spare one that it does not have')
  const due = others && owns ? scene.start.handle : undefined
  if (spared !== due) say(1, due ? 'did not spare its own session' : 'spared a session that is not its own')
  for (const [name, { subject }] of after.records)
    if (subject === SUBJECT && name.startsWith(step.subject.tag) && name !== spared)
      say(1, 'left a session of the subject')
}

/** The verdict on a request's secret, by the record when the request's step arrives. */
function holds({ core, reader, scene }: Bench, arrival: Arrival, step: StepOf<'replace' | 'touch'>): Worth {
  const name = handle(step.key)
  // Only the request itself has the cookie of a session that it made, and no operation rotates this session again.
  if (isOwn(arrival.point, name)) return 'current'
  if (name !== scene.start.handle) return 'nothing'
  const seen = reader.read(arrival.before.records.get(name)!)
  const found = worth(core, scene.start.cookies[arrival.request.cookie]!, seen, step.now)
  return found === 'marker' ? 'superseded' : found
}

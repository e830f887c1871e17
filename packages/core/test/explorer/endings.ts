/** The checks of the invariants when all requests have ended: what was told, against what is stored and loads. */
import { heldStore } from '../held-store.ts'
import { handle, type Step } from '../records.ts'
import type { Core, Reader, Seen } from './core.ts'
import { move, Stream } from './determinism.ts'
import { digestOf, loadedRecord, MARKER_LIFE, secretOf, session, signsIn } from './invariants.ts'
import { OPTIONS, SUBJECT, type Data, type Ending, type Glance, type Request } from './requests.ts'
import { historyTo, type Point } from './runs.ts'
import type { Scene, State } from './scheduler.ts'

/** A request, what it was told, and what it did. */
interface Told {
  readonly request: Request
  readonly point: Point
  readonly end: Ending
  /** Its writes that the store applied. */
  readonly applied: readonly Step[]
  /** One of its answers was lost. */
  readonly faulted: boolean
  /** What its secret was worth when it loaded. `marker`: superseded, by a login. */
  readonly came: 'current' | 'kept' | 'superseded' | 'marker' | 'nothing'
}

/** One write that was acknowledged, as it must be found. */
interface Kept {
  readonly by: Told
  readonly has: Data
  readonly lacks: readonly string[]
}

export async function checkEndings(core: Core, reader: Reader, scene: Scene, state: State): Promise<readonly string[]> {
  const wrong: string[] = []
  const say = (invariant: number, what: string): void => void wrong.push(`invariant ${invariant}: ${what}`)
  const tolds = scene.scenario.requests.map((request, i) => tell(core, reader, scene, state, request, state.points[i]!))
  for (const told of tolds) {
    checkWord(core, reader, scene, state, told, say)
    checkCookie(core, reader, scene, state, told, say)
    if (signsIn(told.request.operation) !== undefined) checkSignIn(reader, scene, state, told, tolds, say)
  }
  checkWrites(reader, scene, state, tolds, say)
  checkCounts(reader, scene, state, tolds, say)
  checkStray(reader, scene, state, tolds, say)
  for (const what of await checkSecrets(core, reader, scene, state, tolds)) say(3, what)
  return wrong
}

type Say = (invariant: number, what: string) => void

function tell(core: Core, reader: Reader, { start }: Scene, { fault }: State, request: Request, point: Point): Told {
  const applied: Step[] = []
  for (const { point: at, heard } of historyTo(point)) {
    const lost = fault?.step === at.call
    const answer = lost ? fault!.answer?.value : typeof heard === 'object' ? heard.value : undefined
    if (answer === true || answer === 'replaced') applied.push(at.call!)
  }
  return {
    request,
    point,
    end: point.end!,
    applied,
    faulted: fault?.seat === request.seat,
    came: worth(core, reader, start.cookies[request.cookie]!, point),
  }
}

/** What a request's secret was worth when it loaded. */
function worth(core: Core, reader: Reader, cookie: string, point: Point): Told['came'] {
  const record = loadedRecord(point)
  const seen = record && reader.read(record)
  if (!seen) return 'nothing'
  const digest = digestOf(core, cookie)
  const old = seen.earlier.find((earlier) => earlier.digest === digest)
  // A marker hands its data to who held a valid secret when it was made; to others it is nothing.
  if (seen.marker)
    return seen.digest === digest || (old && old.keptUntil > record.expiresAt - MARKER_LIFE) ? 'marker' : 'nothing'
  if (seen.digest === digest) return 'current'
  return old ? (historyTo(point)[0]!.now < old.keptUntil ? 'kept' : 'superseded') : 'nothing'
}
/** True for an operation that ended with what it was asked for. */
function acknowledged({ end }: Told): boolean {
  return end.threw === undefined && (end.said === 'saved' || end.said === 'created')
}

/** What the request was told is what happened. */
function checkWord(core: Core, reader: Reader, { start }: Scene, state: State, told: Told, say: Say): void {
  const { request, end, applied, came } = told
  const { seat, operation } = request
  const there = state.records.has(start.handle)
  const wrote = applied.some(({ method }) => method === 'create' || method === 'replace')
  if (end.threw !== undefined) {
    if (!told.faulted) say(8, `${seat} threw ${end.threw}, and nothing failed`)
    else if (end.threw !== 'store_unavailable' && end.threw !== 'unknown_outcome') say(8, `${seat} threw ${end.threw}`)
    else if (end.threw === 'store_unavailable' && wrote && operation !== 'burst')
      say(8, `${seat} was told that nothing was written, and it was`)
    return
  }
  if (end.said === 'created' && !applied.some(({ method }) => method === 'create'))
    say(2, `${seat} was told created, and nothing was`)
  if (end.said === 'saved' && !wrote) say(2, `${seat} was told saved, and nothing was written`)
  if (end.said === 'gone' && there) say(1, `${seat} was told gone, and the session is there`)
  if (end.said === 'superseded' && wrote) say(3, `${seat} was told superseded, and its write was applied`)
  if (end.said === 'unchanged' && /^(commit|update)$/.test(operation))
    say(2, `${seat} was told unchanged, and it had changes`)
  const own = digestOf(core, start.cookies[request.cookie]!) === session(reader, state, start.handle)?.digest
  if (end.said === 'unchanged' && operation.startsWith('regenerate') && own)
    say(3, `${seat}'s regenerate changed nothing`)
  if ((came === 'current' || came === 'kept') && end.loaded?.status !== 'active')
    say(8, `${seat} had a valid secret, and got no session`)
  if (came !== 'current' && came !== 'kept' && end.loaded?.status === 'active')
    say(3, `${seat} got the session without a valid secret`)
  const ended = operation === 'logout' && came !== 'nothing' && came !== 'marker'
  if (ended && there) say(1, `${seat} logged out, and the session is there`)
  if (operation === 'revoke' && end.said === true && there) say(1, `${seat} revoked the session, and it is there`)
  if (operation === 'revoke' && end.said === false && there && !told.faulted)
    say(1, `${seat} was told that there is nothing to revoke, and there is`)
}

/** Cookies are set for a created or rotated secret, and removed by who ended the session with its valid secret. */
function checkCookie(core: Core, reader: Reader, { start }: Scene, state: State, told: Told, say: Say): void {
  const { request, end, came } = told
  const { seat, operation } = request
  const { cookie } = end
  if (cookie?.action === 'remove') {
    if (operation !== 'logout' || came !== 'current')
      say(3, `${seat} removes the cookie, and did not end the session by its valid secret`)
    return
  }
  if (operation === 'logout' && came === 'current' && end.threw === undefined)
    say(1, `${seat} logged out, and keeps its cookie`)
  const due = end.said === 'created' || (end.said === 'saved' && /^(regenerate|login)/.test(operation))
  if (end.threw === undefined && end.said !== 'stopped' && due !== (cookie !== undefined)) {
    say(3, `${seat} ${due ? 'needs a cookie, and gets none' : 'gets a cookie that it should not have'}`)
    return
  }
  if (!cookie) return
  const name = cookie.value.slice(0, 28)
  const seen = session(reader, state, name)
  const secret = digestOf(core, cookie.value)
  if (end.left?.handle !== name) say(5, `${seat} gets a cookie for another session than its own`)
  if (seen && seen.digest !== secret) say(3, `${seat} gets a cookie whose secret is not the session's`)
  if (Object.values(start.cookies).some((other) => secretOf(other) === secretOf(cookie.value)))
    say(4, `${seat} gets a secret that was there before`)
}

/** A login ends signed in, with the data of the session that it came from. */
function checkSignIn(
  reader: Reader,
  { start }: Scene,
  state: State,
  told: Told,
  tolds: readonly Told[],
  say: Say,
): void {
  const { request, end, came, point } = told
  const { seat } = request
  const subject = signsIn(request.operation)
  if (end.threw !== undefined) return
  if (!acknowledged(told)) say(4, `${seat}'s login was told ${String(end.said)}`)
  if (end.left?.status !== 'active' || end.left.subject !== subject) say(4, `${seat}'s login did not end signed in`)
  const name = end.left?.handle
  const seen = session(reader, state, name)
  if (!seen) {
    if (!state.dead.includes(name ?? '')) say(4, `${seat}'s login ended, and its session is not there`)
    return
  }
  if (seen.record.subject !== subject) say(4, `${seat}'s login ended in a session of ${seen.record.subject}`)
  const owner = end.loaded?.status === 'new' ? undefined : loadedRecord(point)?.subject
  const crosses = owner !== undefined && owner !== subject
  if (crosses) return
  const left = state.records.get(start.handle)
  // Who signs in again and finds the session ended starts with nothing.
  const gone = name !== start.handle && (!left || (left.subject !== undefined && reader.read(left).marker))
  if (seen.data[`key${seat}`] !== seat && !(came === 'current' && gone))
    say(4, `${seat}'s change from before its login is lost`)
  for (const other of tolds) {
    const foreign = signsIn(other.request.operation)
    if (foreign !== undefined && foreign !== subject && seen.data[`key${other.request.seat}`] !== undefined)
      say(4, `a change of ${other.request.seat}, who signed in as ${foreign}, is in the session of ${subject}`)
  }
  const carries = came === 'current' || came === 'kept' || (came === 'marker' && owner === undefined)
  if (carries && !gone && seen.data['cart'] !== start.data['cart'])
    say(4, `${seat} signed in, and the cart is not there`)
  if (came === 'nothing' && 'cart' in seen.data) say(4, `${seat} signed in under no session, and has its cart`)
}

/** Every acknowledged write is there, unless its session was ended or its key written by somebody else. */
function checkWrites(reader: Reader, scene: Scene, state: State, tolds: readonly Told[], say: Say): void {
  const { start } = scene
  const kept: Kept[] = tolds
    .filter((told) => acknowledged(told))
    .map((by) => {
      const { seat, operation } = by.request
      const has = { [`key${seat}`]: seat }
      return {
        by,
        has: operation === 'burst' ? {} : has,
        lacks: /^(commit|update)$/.test(operation) ? [`delete${seat}`] : [],
      }
    })
  for (const write of kept) {
    const { by } = write
    const name = by.end.left?.handle
    const { seat } = by.request
    // What a login wrote is checked with it.
    if (name === undefined || signsIn(by.request.operation) !== undefined) continue
    const record = state.records.get(name)
    if (!record) {
      if (!state.dead.includes(name)) say(2, `${seat}'s write was acknowledged, and its session is not there`)
      continue
    }
    const seen = reader.read(record)
    if (!seen.marker) {
      if (!contains(seen, write)) say(2, `${seat}'s write was acknowledged, and is lost`)
    } else if (record.subject === undefined) checkFollowed(reader, scene, state, tolds, write, say)
  }
  const seen = session(reader, state, start.handle)
  if (seen) {
    const writers = tolds.filter(
      ({ request, applied }) =>
        request.operation === 'commit' && applied.some((step) => 'key' in step && handle(step.key) === start.handle),
    )
    const values = writers.length > 0 ? writers.map(({ request }) => request.seat as unknown) : [start.data['shared']]
    if (!values.includes(seen.data['shared']))
      say(2, `the key that all change is ${String(seen.data['shared'])}, which none of them wrote last`)
  }
  for (const { request, end, applied, point } of tolds) {
    if (request.operation !== 'commit' || end.said !== 'saved') continue
    const base = loadedRecord(point)
    for (const step of applied)
      if (step.method === 'replace' && base) {
        const overwritten = reader.read(step.expected).data['shared']
        if (overwritten !== reader.read(base).data['shared'] && !end.conflicts.includes('shared'))
          say(2, `${request.seat} overwrote what another wrote to the same key, and no conflict was told`)
      }
  }
}

/** A write to an anonymous session that became a marker is in the sessions that were signed in from it. */
function checkFollowed(
  reader: Reader,
  { start }: Scene,
  state: State,
  tolds: readonly Told[],
  write: Kept,
  say: Say,
): void {
  for (const login of tolds) {
    if (signsIn(login.request.operation) === undefined || !acknowledged(login)) continue
    const marked = login.applied.some((step) => step.method === 'replace' && handle(step.key) === start.handle)
    // One that found the marker of another may have failed to merge it; the session of who made the marker has it all.
    if (!marked && (login.faulted || (login.came !== 'current' && login.came !== 'marker'))) continue
    const seen = session(reader, state, login.end.left?.handle)
    if (seen && !contains(seen, write))
      say(
        4,
        `${write.by.request.seat}'s write was acknowledged in the anonymous session, and is not in the one that ${login.request.seat} signed in`,
      )
  }
}

function contains({ data }: Seen, { has, lacks }: Kept): boolean {
  return Object.entries(has).every(([key, value]) => data[key] === value) && lacks.every((key) => !(key in data))
}

/** Every increment is applied exactly once. */
function checkCounts(reader: Reader, { start }: Scene, state: State, tolds: readonly Told[], say: Say): void {
  const counted = { count: 'update', burst: 'burst' } as const
  for (const [key, operation] of Object.entries(counted)) {
    const each = operation === 'burst' ? 9 : 1
    const all = tolds.filter(({ request }) => request.operation === operation)
    const sure = all.filter((told) => acknowledged(told) && told.end.left?.handle === start.handle).length * each
    const perhaps =
      all.filter(({ end, faulted }) => end.said === 'stopped' || (end.threw !== undefined && faulted)).length * each
    const seen = session(reader, state, start.handle)
    const value = Number(seen?.data[key] ?? 0)
    if (seen && value < sure) say(2, `${sure} increments were acknowledged, and ${value} are there`)
    if (seen && value > sure + perhaps)
      say(9, `${sure} increments were acknowledged${perhaps ? `, ${perhaps} are unknown` : ''}, and ${value} are there`)
    for (const record of state.records.values())
      if (Number(reader.read(record).data[key] ?? 0) > all.length * each)
        say(9, 'an increment was applied twice on its way to another session')
  }
}

/** Nothing is stored that nobody holds, unless an answer was lost. */
function checkStray(reader: Reader, { start }: Scene, state: State, tolds: readonly Told[], say: Say): void {
  if (state.fault) return
  for (const name of state.records.keys()) {
    const held =
      name === start.handle ||
      tolds.some(({ end }) => end.cookie?.action === 'set' && end.cookie.value.startsWith(name))
    if (!held && session(reader, state, name)) say(5, `a session is stored that nobody has a cookie for`)
  }
}

/** Every secret that was ever issued loads what it should, one of them opens each session, and the list is right. */
async function checkSecrets(
  core: Core,
  reader: Reader,
  { start }: Scene,
  state: State,
  tolds: readonly Told[],
): Promise<string[]> {
  const wrong: string[] = []
  const issued = [
    ...Object.values(start.cookies),
    ...tolds.flatMap(({ end }) => (end.cookie?.action === 'set' ? [end.cookie.value] : [])),
  ]
  const opened = new Map<string, number>()
  for (const cookie of issued) {
    const name = cookie.slice(0, 28)
    const record = state.records.get(name)
    if (!record) continue
    const seen = reader.read(record)
    const digest = digestOf(core, cookie)
    const kept = seen.earlier.some((old) => old.digest === digest && state.now < old.keptUntil)
    const current = seen.digest === digest && !seen.marker
    const valid = current || (kept && !seen.marker)
    const view = await look(core, cookie, seen, state.now)
    if (valid !== (view.status === 'active'))
      wrong.push(`a secret that is ${valid ? '' : 'not '}valid loads ${view.status}`)
    if (view.subject !== (valid ? record.subject : undefined)) wrong.push(`a secret loads a session of ${view.subject}`)
    if (JSON.stringify(view.data) !== JSON.stringify(valid ? seen.data : {}))
      wrong.push('a secret loads other data than is stored')
    if (current) opened.set(name, (opened.get(name) ?? 0) + 1)
    if (cookie === start.cookies.current && start.subject === undefined && view.subject !== undefined)
      wrong.push('the secret from before the sign-in is signed in')
  }
  for (const [name, record] of state.records) {
    if (reader.read(record).marker) continue
    const count = opened.get(name) ?? 0
    if (count > 1 || (count === 0 && !state.fault)) wrong.push(`${count} secrets open one session`)
  }
  const listed = await list(core, state)
  const due = [...state.records.keys()].filter((name) => session(reader, state, name)?.record.subject === SUBJECT)
  if (listed !== due.sort().join()) wrong.push('the list of the subject is not what is stored')
  return wrong
}

interface Look extends Glance {
  readonly data: Data
}

const looks = new WeakMap<Seen, Map<string, Look>>()

/** What a cookie loads, with the real core. */
async function look(core: Core, cookie: string, seen: Seen, now: number): Promise<Look> {
  const known = looks.get(seen) ?? new Map<string, Look>()
  looks.set(seen, known)
  const of = `${cookie} ${now}`
  let view = known.get(of)
  if (!view) {
    const store = heldStore({ records: new Map([[cookie.slice(0, 28), seen.record]]) })
    const sessions = core.createSessions<Data>({ store, clock: () => now, ...OPTIONS })
    await move(new Stream('look'), () => {
      void sessions
        .load(cookie)
        .then(({ status, handle: name, subject, data }) => (view = { status, handle: name, subject, data }))
    })
    known.set(of, view!)
  }
  return view!
}

const lists = new WeakMap<State['records'], string>()

/** The handles that the list of the subject shows. */
async function list(core: Core, { records, now }: State): Promise<string> {
  let listed = lists.get(records)
  if (listed === undefined) {
    const sessions = core.createSessions<Data>({ store: heldStore({ records }), clock: () => now, ...OPTIONS })
    await move(new Stream('list'), () => {
      void Array.fromAsync(sessions.listSubject(SUBJECT)).then(
        (all) =>
          (listed = all
            .map(({ handle: name }) => name)
            .sort()
            .join()),
      )
    })
    lists.set(records, listed!)
  }
  return listed!
}

/** The checks when all requests have ended. They compare the result of each request with the stored records. */
import { handle } from '../records.ts'
import { sessionAt, type Case, type Told } from './ending-case.ts'
import { checkLoads } from './loads.ts'
import { checkCounts, checkWrites } from './lost-writes.ts'
import type { Request } from './requests.ts'
import { historyTo, type Point } from './runs.ts'
import type { State } from './scheduler.ts'
import { digestIn, handleIn, loadedRecord, signsIn, worthAtLoad, type Bench } from './secrets.ts'

export async function checkEndings(bench: Bench, state: State): Promise<void> {
  const tolds = bench.scene.scenario.requests.map((request, i) => tell(bench, state, request, state.points[i]!))
  const all: Case = { ...bench, state, tolds }
  for (const told of tolds) {
    const named: Case = { ...all, say: (invariant, what) => bench.say(invariant, `${told.request.seat} ${what}`) }
    if (told.end.threw !== undefined) checkError(named, told)
    else {
      checkWord(named, told)
      checkCookie(named, told)
      if (signsIn(told.request.operation) !== undefined) checkSignIn(named, told)
    }
  }
  checkWrites(all)
  checkCounts(all)
  checkStray(all)
  await checkLoads(all)
}

function tell(bench: Bench, { fault }: State, request: Request, point: Point): Told {
  const applied = historyTo(point).flatMap(({ point: { call }, heard }) => {
    const answer = fault?.step === call ? fault?.answer?.value : typeof heard === 'object' ? heard.value : undefined
    const written = call?.method === 'create' ? answer === true : answer === 'replaced'
    return call && written ? [call] : []
  })
  const end = point.end!
  return {
    request,
    point,
    end,
    applied,
    faulted: fault?.seat === request.seat,
    came: worthAtLoad(bench, request, point),
    acknowledged: end.threw === undefined && (end.said === 'saved' || end.said === 'created'),
  }
}

function checkError({ scene, state, say }: Case, { request, point, end, applied, came, faulted }: Told): void {
  // The subject has no session that a revocation of the other sessions could spare.
  const none = scene.start.subject === undefined || (came !== 'current' && came !== 'kept')
  if (request.operation === 'revoke-others' && none && end.threw === 'invalid_option') return
  const made = historyTo(point).findLast(
    ({ point: { call }, heard }) => call?.method === 'create' && typeof heard === 'object',
  )
  const step = made?.point.call
  // A sign-in whose new session was revoked during the sign-in must report it.
  const revoked = step && 'key' in step && state.dead.includes(handle(step.key))
  if (end.threw === 'conflict' && revoked && signsIn(request.operation) !== undefined) return
  if (!faulted) say(8, `threw ${end.threw}, and nothing had failed`)
  else if (end.threw !== 'store_unavailable' && end.threw !== 'unknown_outcome') say(8, `threw ${end.threw}`)
  else if (end.threw === 'store_unavailable' && applied.length > 0 && request.operation !== 'burst')
    say(8, 'was told that nothing was written, and it was')
}

/** The result of the request is true. */
function checkWord(all: Case, { request, end, applied, came, faulted }: Told): void {
  const { core, scene, state, say } = all
  const { operation } = request
  const there = state.records.has(scene.start.handle)
  const valid = came === 'current' || came === 'kept'
  if (valid !== (end.loaded?.status === 'active'))
    say(3, `came with a secret worth ${came}, and loaded ${end.loaded?.status}`)
  switch (end.said) {
    case 'created':
      if (!applied.some(({ method }) => method === 'create')) say(2, 'was told created, and nothing was')
      break
    case 'saved':
      if (applied.length === 0) say(2, 'was told saved, and nothing was written')
      break
    case 'gone':
      if (there) say(1, 'was told gone, and the session is there')
      break
    case 'superseded':
      if (applied.length > 0) say(3, 'was told superseded, and its write was applied')
      break
    case 'unchanged': {
      const own = sessionAt(all, scene.start.handle)?.digest === digestIn(core, scene.start.cookies[request.cookie]!)
      if (operation === 'commit' || operation === 'update') say(2, 'was told unchanged, and it had changes')
      if (operation.startsWith('regenerate') && own) say(3, 'was told unchanged, and its secret is still the one')
      break
    }
    case true:
      if (there) say(1, 'revoked the session, and it is there')
      break
    case false:
      if (there && !faulted) say(1, 'was told that there is nothing to revoke, and there is')
      break
    case 'done':
      if (there && (valid || came === 'superseded')) say(1, 'logged out, and the session is there')
      break
    default:
  }
}

/** A response sets a cookie only for a new secret, and removes the cookie only if its request ended the session with the valid secret. */
function checkCookie(all: Case, { request, end, came }: Told): void {
  const { core, scene, say } = all
  const { cookie } = end
  const rotates = request.operation.startsWith('regenerate') || signsIn(request.operation) !== undefined
  const ended = request.operation === 'logout' && came === 'current'
  const due = ended ? 'remove' : end.said === 'created' || (end.said === 'saved' && rotates) ? 'set' : undefined
  if (cookie?.action !== due && end.said !== 'stopped')
    say(3, `was told ${String(end.said)}, and has ${cookie ? `to ${cookie.action} a` : 'no'} cookie`)
  if (cookie?.action !== 'set') return
  const { value } = cookie
  const seen = sessionAt(all, handleIn(value))
  if (end.left?.handle !== handleIn(value)) say(5, 'gets a cookie for another session than its own')
  if (seen && seen.digest !== digestIn(core, value)) say(3, 'gets a cookie whose secret is not the session’s')
  if (Object.values(scene.start.cookies).includes(value)) say(4, 'gets a cookie that was there before')
}

/** After a login the user is signed in, has the data of the old session, and the old session has ended. */
function checkSignIn(all: Case, told: Told): void {
  const { core, reader, scene, state, tolds, say } = all
  const { request, end, came, point, faulted } = told
  const { start } = scene
  const subject = signsIn(request.operation)
  const name = end.left?.handle
  if (!told.acknowledged) say(4, `signed in, and was told ${String(end.said)}`)
  if (end.left?.status !== 'active' || end.left.subject !== subject) say(4, 'signed in, and is not signed in')
  const seen = sessionAt(all, name)
  if (!seen) {
    if (name === undefined || !state.dead.includes(name)) say(4, 'signed in, and its session is not there')
    return
  }
  const old = sessionAt(all, start.handle)
  if (came === 'current' && !faulted && name !== start.handle && old?.digest === digestIn(core, start.cookies.current!))
    say(4, 'signed in, and its old secret is still valid')
  if (seen.record.subject !== subject) say(4, `signed in ${subject}, in a session of ${seen.record.subject}`)
  const owner = end.loaded?.status === 'new' ? undefined : loadedRecord(point)?.subject
  if (owner !== undefined && owner !== subject) return
  for (const { request: other } of tolds) {
    const foreign = signsIn(other.operation)
    if (foreign !== undefined && foreign !== subject && seen.data[`key${other.seat}`] !== undefined)
      say(4, `has a change that ${other.seat} made before signing ${foreign} in`)
  }
  // If the session has ended or belongs to another subject, another sign-in starts without data.
  const left = state.records.get(start.handle)
  const ended = !left || (left.subject !== undefined && reader.read(left).marker)
  // Under another pepper the new session is created first, from the loaded data.
  const bare = name !== start.handle && ended && start.name !== 'old-pepper'
  if (seen.data[`key${request.seat}`] === undefined && !(came === 'current' && bare))
    say(4, 'signed in, and lost its change from before')
  const carries = came === 'current' || came === 'kept' || (came === 'marker' && owner === undefined)
  if (carries && !bare && seen.data['cart'] === undefined) say(4, 'signed in, and lost the cart')
  if (came === 'nothing' && seen.data['cart'] !== undefined) say(4, 'signed in from no session, and has its cart')
}

/** Every stored session has a holder, unless an answer was lost. */
function checkStray({ scene, state, tolds, reader, say }: Case): void {
  if (state.fault) return
  const held = tolds.flatMap(({ end }) => (end.cookie?.action === 'set' ? [handleIn(end.cookie.value)] : []))
  for (const [name, record] of state.records)
    if (name !== scene.start.handle && !held.includes(name) && !reader.read(record).marker)
      say(5, 'a session is stored that nobody has a cookie for')
}

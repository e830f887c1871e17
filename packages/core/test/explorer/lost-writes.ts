/** The checks that no write is lost and none applied twice. */
import type { Seen } from './core.ts'
import { sessionAt, wroteTo, type Case, type Told } from './ending-case.ts'
import { loadedRecord, signsIn } from './secrets.ts'

/** Every acknowledged write is stored, unless its session was ended. A request that overwrites a key of another gets a conflict event. */
export function checkWrites(all: Case): void {
  const { reader, scene, state, tolds, say } = all
  for (const told of tolds) {
    const { seat, operation } = told.request
    const name = told.end.left?.handle
    // The writes of a login are checked with its sign-in.
    if (!told.acknowledged || name === undefined || signsIn(operation) !== undefined) continue
    const record = state.records.get(name)
    if (!record) {
      if (!state.dead.includes(name)) say(2, `${seat}'s write was acknowledged, and its session is not there`)
      continue
    }
    const seen = reader.read(record)
    if (seen.marker && (record.subject === undefined || scene.start.name === 'old-pepper')) checkFollowed(all, told)
    else if (!seen.marker && !has(seen, told)) say(2, `${seat}'s write was acknowledged, and is lost`)
  }
  const { handle, data } = scene.start
  const commits = tolds.filter(({ request }) => request.operation === 'commit')
  const writers = commits.filter(({ applied }) => applied.some((step) => wroteTo(handle, step)))
  const shared = sessionAt(all, handle)?.data['shared']
  const due: unknown[] = writers.length > 0 ? writers.map(({ request }) => request.seat) : [data['shared']]
  if (shared !== undefined && !due.includes(shared)) say(2, `the key that all change says ${JSON.stringify(shared)}`)
  for (const { request, end, applied, point } of commits)
    for (const step of applied) {
      const loaded = loadedRecord(point)
      if (step.method !== 'replace' || !loaded || end.said !== 'saved' || end.conflicts.includes('shared')) continue
      if (reader.read(step.expected).data['shared'] !== reader.read(loaded).data['shared'])
        say(2, `${request.seat} overwrote what another wrote to the same key, and no conflict was told`)
    }
}

/** If an anonymous session became a marker, its writes are in the sessions that were signed in from it. */
function checkFollowed(all: Case, write: Told): void {
  for (const login of all.tolds) {
    const subject = signsIn(login.request.operation)
    if (subject === undefined || !login.acknowledged) continue
    const { start } = all.scene
    if (start.subject !== undefined && start.subject !== subject) continue
    const marked = login.applied.some((step) => step.method === 'replace' && wroteTo(all.scene.start.handle, step))
    // A login that found the marker of another login may have failed to merge its data; the session of the other login has the data.
    // After two parallel re-authentications, writes in between may be in the other session.
    const found = start.subject === undefined && !login.faulted && ['current', 'marker'].includes(login.came)
    const follows = marked || found
    const seen = sessionAt(all, login.end.left?.handle)
    if (follows && seen && !has(seen, write))
      all.say(
        4,
        `${write.request.seat}'s write to the anonymous session was acknowledged, and is not in the one that ${login.request.seat} signed in`,
      )
  }
}

function has({ data }: Seen, { request: { seat, operation } }: Told): boolean {
  if (operation === 'burst' || operation === 'visit') return true
  const deletes = operation === 'commit' || operation === 'update'
  return data[`key${seat}`] === seat && !(deletes && `delete${seat}` in data)
}

/** Every increment is applied exactly once. */
export function checkCounts(all: Case): void {
  const { reader, scene, state, tolds, say } = all
  for (const [key, operation, each] of [
    ['count', 'update', 1],
    ['burst', 'burst', 9],
  ] as const) {
    const updates = tolds.filter(({ request }) => request.operation === operation)
    const sure = updates.filter((told) => told.acknowledged && told.end.left?.handle === scene.start.handle)
    const unknown = updates.filter(({ end, faulted }) => end.said === 'stopped' || (end.threw !== undefined && faulted))
    const there = Number(sessionAt(all, scene.start.handle)?.data[key] ?? NaN)
    const least = sure.length * each
    const most = least + unknown.length * each
    if (there < least) say(2, `${least} increments were acknowledged, and ${there} are there`)
    if (there > most) say(9, `${least} increments were acknowledged, at most ${most} sent, and ${there} are there`)
    for (const record of state.records.values())
      if (Number(reader.read(record).data[key] ?? 0) > updates.length * each)
        say(9, 'an increment was applied twice on its way to another session')
  }
}

/** The checks of loads at the end: of every secret that was issued, and of the list of the subject. */
import type { SessionRecord } from '../../src/store.ts'
import { heldStore } from '../held-store.ts'
import type { Core, Seen } from './core.ts'
import { move, Stream } from './determinism.ts'
import type { Case } from './ending-case.ts'
import { BEHIND, optionsOf, SUBJECT, type Data, type Start, type StartName } from './requests.ts'
import type { Scene, State } from './scheduler.ts'
import { handleIn, worth } from './secrets.ts'

/** A clock that was set back, in ms. */
const HOUR = 3_600_000

/** Every secret loads according to its verdict, exactly one secret opens each session, and the list is right. */
export async function checkLoads({ core, reader, scene, state, tolds, say }: Case): Promise<void> {
  const { start } = scene
  const fresh = tolds.flatMap(({ end }) => (end.cookie?.action === 'set' ? [end.cookie.value] : []))
  const openers = new Map<string, number>()
  for (const cookie of [...Object.values(start.cookies), ...fresh]) {
    const record = state.records.get(handleIn(cookie))
    if (!record) continue
    const seen = reader.read(record)
    const value = worth(core, cookie, seen, state.now)
    const valid = value === 'current' || value === 'kept'
    const view = await look(core, start.name, cookie, seen, state.now)
    if (valid !== (view.status === 'active')) say(3, `a secret that is worth ${value} loads ${view.status}`)
    if (view.subject !== (valid ? record.subject : undefined)) say(4, `a secret worth ${value} loads ${view.subject}`)
    if (JSON.stringify(view.data) !== JSON.stringify(valid ? seen.data : {}))
      say(2, `a secret worth ${value} loads other data than it should`)
    if (value === 'current') openers.set(handleIn(cookie), (openers.get(handleIn(cookie)) ?? 0) + 1)
    for (const late of [BEHIND, HOUR]) {
      const then = worth(core, cookie, seen, state.now - late)
      const { status } = await look(core, start.name, cookie, seen, state.now - late)
      const works = then === 'current' || then === 'kept'
      if (works !== (status === 'active')) say(3, `a secret loads ${status} by a clock that is ${late} ms behind`)
      if (status === 'active' && then !== 'current' && isWithoutWindow(scene, cookie))
        say(3, `a secret that was rotated away works by a clock that is ${late} ms behind`)
    }
    if (view.subject !== undefined && start.subject === undefined && Object.values(start.cookies).includes(cookie))
      say(4, 'a secret from before the sign-in is signed in')
  }
  for (const [name, record] of state.records) {
    const count = openers.get(name) ?? 0
    if (!reader.read(record).marker && (count > 1 || (count === 0 && !state.fault)))
      say(3, `${count} secrets open one session`)
  }
  const due = [...state.records].filter(([, record]) => record.subject === SUBJECT && !reader.read(record).marker)
  const names = due.map(([name]) => name).sort()
  if (names.join() !== (await list(core, scene, state)).join()) say(4, 'the list of the subject is not what is stored')
}

/** True for a secret of the start for which no request used `keepOldFor`. */
function isWithoutWindow({ start, scenario }: Case['scene'], cookie: string): boolean {
  return cookie === start.cookies.old
    ? start.name === 'rotated'
    : cookie === start.cookies.current && scenario.requests.every(({ operation }) => operation !== 'regenerate-keep')
}

/** The result of loading a cookie. */
interface Look {
  readonly status: string
  readonly subject: string | undefined
  readonly data: Data
}

const looks = new WeakMap<Seen, Map<string, Look>>()

/** Loads a cookie with the tested core, once for each record. */
async function look(core: Core, start: StartName, cookie: string, seen: Seen, now: number): Promise<Look> {
  const known = looks.get(seen) ?? new Map<string, Look>()
  looks.set(seen, known)
  const name = `${cookie} ${now}`
  let view = known.get(name)
  if (!view) {
    const store = heldStore({ records: new Map([[handleIn(cookie), seen.record as SessionRecord]]) })
    const sessions = core.createSessions<Data>({ store, clock: () => now, sweepEvery: false, ...optionsOf(start) })
    await move(new Stream('look'), () => {
      void sessions.load(cookie).then(({ status, subject, data }) => (view = { status, subject, data }))
    })
    known.set(name, view!)
  }
  return view!
}

const lists = new WeakMap<Start, Map<string, string[]>>()

/** The handles in the list of the subject, sorted. The tested core lists them, once for the same records. */
async function list(core: Core, { start, stage }: Scene, { records, now }: State): Promise<string[]> {
  const known = lists.get(start) ?? new Map<string, string[]>()
  lists.set(start, known)
  const content = `${now} ${stage.catalogue.nameAll(records)}`
  let names = known.get(content)
  if (!names) {
    const sessions = core.createSessions<Data>({
      store: heldStore({ records }),
      clock: () => now,
      sweepEvery: false,
      ...optionsOf(start.name),
    })
    const shown: string[] = []
    const listing = async (): Promise<void> => {
      for await (const { handle } of sessions.listSubject(SUBJECT)) shown.push(handle)
      names = shown.sort()
    }
    await move(new Stream('list'), () => void listing())
    known.set(content, names!)
  }
  return names!
}

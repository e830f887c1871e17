import type { Case, CaseContext, Clause, Layer } from '../contract.ts'

type Requires = NonNullable<Case['requires']>

/** Makes the cases of one clause, for one kind of subject, on one layer. */
export function clause(name: Clause, subject: Case['subject'], layer: Layer = 'example') {
  return (what: string, text: string, run: Case['run'], requires?: Requires): Case => ({
    id: `${name}/${what}`,
    clause: name,
    layer,
    text,
    subject,
    run,
    ...(requires && { requires }),
  })
}

/** The harness lets other processes reach the data. */
export const processes: Requires = ({ harness }) =>
  harness.process ? undefined : 'the harness names no process module: the store lives in one process'

/** The harness can restart the server. */
export const restarts: Requires = ({ space }) =>
  space.restart ? undefined : 'the harness has no restart(): there is no server apart from the store'

/** The harness shows the stored bytes. */
export const showsBytes: Requires = ({ space }) =>
  space.raw ? undefined : 'the harness has no raw: what is stored lies in the memory of one process'

/** The store lists a subject's sessions; if it does not claim so, it must not have the method. */
export const lists: Requires = ({ store }) => claimed(store.traits.subjects === 'list', store.list, 'list')

/** The store revokes a subject's sessions. */
export const revokes: Requires = ({ store }) =>
  claimed(store.traits.subjects !== 'none', store.deleteSubject, 'deleteSubject')

/** The store counts. */
export const counts: Requires = ({ store }) => claimed(store.traits.count, store.count, 'count')

/** The store wants sweeping. */
export const sweeps: Requires = ({ store }) => claimed(store.traits.expiry === 'sweep', store.sweep, 'sweep')

function claimed(claim: boolean, method: unknown, name: string): string | undefined {
  if (claim) return undefined
  if (method !== undefined)
    throw new Error(`under-claimed: the store has ${name}(), and its traits say that it has not`)
  return `the traits do not claim it, and there is no ${name}()`
}

/** All that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** A subject, and records of it. */
export function subjectOf({ key }: CaseContext, id: string): { id: string; tag: string } {
  return { id, tag: key().tag }
}

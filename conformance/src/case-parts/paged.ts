import type { SessionKey, SessionStore } from '@sess/core'
import type { Case, CaseContext } from '../contract.ts'
import { subjectOf } from './case.ts'

/** More records than a page holds in most stores. */
export const MANY = 110

/** The methods that work in pages. */
export const PAGED = ['list', 'all', 'count', 'deleteSubject', 'sweep'] as const
export type Paged = (typeof PAGED)[number]

/** The store has a method that works in pages. */
export const paged: NonNullable<Case['requires']> = ({ store: it }) =>
  PAGED.some((name) => name in it) ? undefined : 'no method of the store works in pages'

/** A namespace for a method that works in pages: records that it gives, counts or removes. */
export interface Trial {
  readonly name: Paged
  /** The records of this trial. */
  readonly keys: readonly SessionKey[]
  /** Calls the method on a client. */
  open(it: SessionStore): AsyncIterable<unknown>
  /** What the call came to: how many records it gave, counted or removed; undefined if the store cannot tell. */
  total(pages: readonly unknown[]): number | undefined
  /** Creates again what is gone of the records. It resolves to how many were. */
  fill(): Promise<number>
}

/** Makes records for a method, and the call. */
export async function trialOf(context: CaseContext, name: Paged, count: number): Promise<Trial> {
  const { store: it, key, record, now } = context
  const ann = subjectOf(context, 'ann')
  const keys = Array.from({ length: count }, () => key(ann.tag))
  const [expiresAt, when] = name === 'sweep' ? [now - 100_000, now - 160_000] : [now + 60_000, now]
  const fill = async (): Promise<number> => {
    const created = await Promise.all(keys.map((at) => it.create(at, record({ subject: 'ann', expiresAt }), when)))
    return created.filter(Boolean).length
  }
  await fill()
  const isEntry = name === 'list' || name === 'all'
  return {
    name,
    keys,
    fill,
    open: (client) => (name === 'list' || name === 'deleteSubject' ? client[name]!(ann, now) : client[name]!(now)),
    total: (pages) =>
      isEntry
        ? pages.length
        : pages.includes(undefined)
          ? undefined
          : (pages as number[]).reduce((total, each) => total + each, 0),
  }
}

/** Runs a trial for each method that the store has. Its records are deleted afterwards, so that a count is of one trial's alone. */
export async function eachMethod(
  context: CaseContext,
  count: number,
  run: (trial: Trial) => Promise<void>,
  names: readonly Paged[] = PAGED,
): Promise<void> {
  const { store: it, now } = context
  for (const name of names.filter((one) => one in it)) {
    const trial = await trialOf(context, name, count)
    try {
      await run(trial)
    } catch (error) {
      if (error instanceof Error) error.message = `${name}: ${error.message}`
      throw error
    }
    await Promise.all(trial.keys.map((at) => it.delete(at, now)))
  }
}

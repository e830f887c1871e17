import { InputError } from './input-error.ts'

/** What a store is called, and where. */
export interface Names {
  /** Of the package: `@acme/sess-big-table`. */
  readonly packageName: string
  /** Its last part: `sess-big-table`. */
  readonly folder: string
  /** Of the store, for messages and reports: `big-table`. */
  readonly store: string
  /** Of its module, without the ending: `big-table-store`. */
  readonly file: string
  /** Of the function that makes one: `bigTableStore`. */
  readonly factory: string
  /** Of its class: `BigTableStore`. */
  readonly type: string
}

/** npm's longest. */
const MAX_LENGTH = 214

/**
 * Makes all names of the package's.
 *
 * @throws {InputError} For what is no good name of a package, or leaves none for the store.
 */
export function namesOf(packageName: string): Names {
  const shown = JSON.stringify(packageName)
  if (/[/\\]/.test(packageName.replace(/^@[^/\\]+\//, '')))
    throw new InputError(`${shown} is a path: give the name of the package, and the place with --folder`)
  const match = /^(?:@[a-z0-9][a-z0-9-]*\/)?([a-z][a-z0-9-]*)$/.exec(packageName)
  if (!match || packageName.length > MAX_LENGTH)
    throw new InputError(
      `${shown} is no name for the package: take lower-case letters, digits and hyphens, a letter first, with a scope or none, as in sess-pg or @acme/sess-pg`,
    )
  const folder = match[1]!
  const words = folder.split('-').filter(Boolean)
  if (words[0] === 'sess') words.shift()
  if (words.at(-1) === 'store') words.pop()
  const store = words.join('-')
  if (!/^[a-z]/.test(store))
    throw new InputError(
      `${shown} leaves no name for the store: say what keeps the sessions, as in sess-pg or pg-store, and begin it with a letter`,
    )
  const type = `${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')}Store`
  return { packageName, folder, store, file: `${store}-store`, factory: type[0]!.toLowerCase() + type.slice(1), type }
}

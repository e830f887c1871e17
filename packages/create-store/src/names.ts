import { InputError } from './input-error.ts'

/** The names of a store and of its parts. */
export interface Names {
  /** The name of the package: `@acme/sess-big-table`. */
  readonly packageName: string
  /** The name of the package without its scope: `sess-big-table`. */
  readonly folder: string
  /** The name of the store in messages and reports: `big-table`. */
  readonly store: string
  /** The name of its module, without the extension: `big-table-store`. */
  readonly file: string
  /** The name of the function that makes a store: `bigTableStore`. */
  readonly factory: string
  /** The start of the names of its types: `BigTableStore`. */
  readonly type: string
}

/** The longest name that npm accepts. */
const MAX_LENGTH = 214

/**
 * Derives all names from the name of the package.
 *
 * @throws {InputError} If it is not a valid name of a package, or if it leaves no name for the store.
 */
export function namesOf(packageName: string): Names {
  const shown = JSON.stringify(packageName)
  if (/[/\\]/.test(packageName.replace(/^@[^/\\]+\//, '')))
    throw new InputError(`${shown} is a path: give the name of the package, and the folder with --folder`)
  const match = /^(?:@[a-z0-9][a-z0-9-]*\/)?([a-z][a-z0-9-]*)$/.exec(packageName)
  if (!match || packageName.length > MAX_LENGTH)
    throw new InputError(
      `${shown} is not a name for the package: use lower-case letters, digits and hyphens, a letter first, with or without a scope, as in sess-pg or @acme/sess-pg`,
    )
  const folder = match[1]!
  const words = folder.split('-').filter(Boolean)
  if (words[0] === 'sess') words.shift()
  if (words.at(-1) === 'store') words.pop()
  const store = words.join('-')
  if (!/^[a-z]/.test(store))
    throw new InputError(
      `${shown} leaves no name for the store: name the database, as in sess-pg or pg-store, beginning with a letter`,
    )
  const type = `${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')}Store`
  return { packageName, folder, store, file: `${store}-store`, factory: type[0]!.toLowerCase() + type.slice(1), type }
}

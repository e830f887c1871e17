import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from './input-error.ts'
import { namesOf, type Names } from './names.ts'

/** Beside this module's folder, in source and in the published package alike. */
const template = fileURLToPath(new URL('../template', import.meta.url))

/** What has another name in the template: npm publishes no .gitignore, a workflow would be this repository's, what is a test would run there, and a manifest there would be taken for one. */
const RENAMED: Readonly<Record<string, string>> = {
  'package-template.json': 'package.json',
  gitignore: '.gitignore',
  'github/workflows/conformance.yml': '.github/workflows/conformance.yml',
  'src/conformance.ts': 'src/conformance.test.ts',
}

/** What to create. */
export interface CreateStoreOptions {
  /** Of the package: `sess-pg`, `@acme/sess-pg`. */
  readonly name: string
  /** Where: a folder that is empty, but for `.git`, or that is not there yet. Default: the name without its scope. */
  readonly folder?: string
}

/** What was created. */
export interface CreatedStore {
  /** Absolute. */
  readonly folder: string
  /** The files, from that folder, in the order of their names. */
  readonly files: readonly string[]
  /** The module of the store, one of these. */
  readonly module: string
  /** The function in it that makes a store. */
  readonly factory: string
}

/**
 * Lays out the package of a store: five methods to write, and the kit to write them against. No file is overwritten.
 *
 * @throws {InputError} For a name that is none, and a folder that is taken.
 */
export function createStore(options: CreateStoreOptions): CreatedStore {
  for (const option of Object.keys(options ?? {}))
    if (option !== 'name' && option !== 'folder')
      throw new InputError(`${option} is no option of createStore(); there are name, folder`)
  if (typeof options?.name !== 'string') throw new InputError('name must be text: createStore({ name })')
  const names = namesOf(options.name)
  const folder = resolve(options.folder ?? names.folder)
  refuseTaken(folder)
  const created = filesOf(template).map((file) => {
    const text = named(readFileSync(join(template, file), 'utf8'), names)
    const target = named(RENAMED[file] ?? file, names)
    mkdirSync(dirname(join(folder, target)), { recursive: true })
    writeFileSync(join(folder, target), target === 'package.json' ? versioned(text) : text, { flag: 'wx' })
    return target
  })
  return { folder, files: created.toSorted(), module: `src/${names.file}.ts`, factory: names.factory }
}

function refuseTaken(folder: string): void {
  if (!existsSync(folder)) return
  const shown = relative('', folder) || 'this folder'
  if (!statSync(folder).isDirectory()) throw new InputError(`${shown} is a file: name a folder with --folder`)
  if (readdirSync(folder).some((name) => name !== '.git'))
    throw new InputError(`${shown} is not empty: nothing in it was touched; name another with --folder`)
}

/** From the folder, with slashes. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
}

/** The template's text, with the names of this store in place of its own. */
function named(text: string, { packageName, store, file, factory, type }: Names): string {
  const instead: Readonly<Record<string, string>> = {
    'sess-my': packageName,
    'my-store': file,
    myStore: factory,
    MyStore: type,
    "'my'": `'${store}'`,
  }
  return text.replaceAll(/sess-my|my-store|myStore|MyStore|'my'/g, (name) => instead[name]!)
}

type Versions = Record<string, string>

/** The package.json, with what this package was itself tested with. */
function versioned(text: string): string {
  const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    devDependencies: Versions
  }
  const manifest = JSON.parse(text) as { devDependencies: Versions; peerDependencies: Versions }
  for (const dependencies of [manifest.devDependencies, manifest.peerDependencies])
    for (const name of Object.keys(dependencies)) dependencies[name] = own.devDependencies[name]!
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from './input-error.ts'
import { namesOf, type Names } from './names.ts'

/** The folder of the template: beside this module's folder, in the sources and in the published package. */
const template = fileURLToPath(new URL('../template', import.meta.url))

/**
 * Files with another name in the template. npm does not publish a .gitignore; and in this repository, a workflow or a test would run, and a
 * package.json would count as a package.
 */
const RENAMED: Readonly<Record<string, string>> = {
  'package-template.json': 'package.json',
  gitignore: '.gitignore',
  'github/workflows/conformance.yml': '.github/workflows/conformance.yml',
  'src/conformance.ts': 'src/conformance.test.ts',
}

/** Options of {@link createStore}. */
export interface CreateStoreOptions {
  /** The name of the package: `sess-pg`, `@acme/sess-pg`. */
  readonly name: string
  /** The new folder. It must not exist, or be empty except for `.git`. Default: the name without its scope. */
  readonly folder?: string
}

/** What was created. */
export interface CreatedStore {
  /** The absolute path of the folder. */
  readonly folder: string
  /** The paths of the files in the folder, sorted. */
  readonly files: readonly string[]
  /** The path of the module of the store, one of `files`. */
  readonly module: string
  /** The name of the function in this module that makes a store. */
  readonly factory: string
}

/**
 * Creates a package for a store, with five methods to write, and the conformance kit to test them. It overwrites no file.
 *
 * @throws {InputError} If the name is not a valid name of a package, or if the folder is not empty.
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
    throw new InputError(`${shown} is not empty; nothing was changed. Name another folder with --folder`)
}

/** The paths of the files in a folder, relative to it, with slashes. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll('\\', '/'))
}

/** Replaces the names in a text of the template by the names of the new store. */
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

/** The text of package.json, with the versions with which this package was tested. */
function versioned(text: string): string {
  const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    devDependencies: Versions
  }
  const manifest = JSON.parse(text) as { devDependencies: Versions; peerDependencies: Versions }
  for (const dependencies of [manifest.devDependencies, manifest.peerDependencies])
    for (const name of Object.keys(dependencies)) dependencies[name] = own.devDependencies[name]!
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'

/** The fields of a package.json that the checks read. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A member of the workspace. */
export interface Package {
  /** The folder, from the root: `packages/core`. */
  readonly folder: string
  /** The absolute path of the folder. */
  readonly path: string
  readonly manifest: Manifest
}

const definition = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')

/** All members of the workspace, by folder. */
export const packages: readonly Package[] = globSync(
  [...definition.matchAll(/^ {2}- (\S+)$/gm)].map((match) => `${match[1]}/package.json`),
  { cwd: root },
)
  .toSorted()
  .map((file) => {
    const folder = file.slice(0, -'/package.json'.length)
    const path = join(root, folder)
    return { folder, path, manifest: JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest }
  })

/** Those that are published. */
export const publicPackages: readonly Package[] = packages.filter(({ manifest }) => manifest.private !== true)

/** The version that the catalog pins. @throws {Error} When it pins none. */
export function catalogVersion(name: string): string {
  const found = new RegExp(`^ {2}'?${name}'?: (\\S+)$`, 'm').exec(definition)?.[1]
  if (found === undefined) throw new Error(`pnpm-workspace.yaml: the catalog has no ${name}`)
  return found
}

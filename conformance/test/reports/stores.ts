import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import listed from '../../../scripts/check/stores.json' with { type: 'json' }
import { CALL_PATIENCE } from '../../src/run.ts'
import { readCompact, type Kept } from './compact.ts'

/** The repository. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url))

/** For one call, in seconds, where that is more than the kit's own: DynamoDB Local takes its time for ten thousand deletes. */
const PATIENCE: Readonly<Record<string, number>> = { dynamodb: 120 }

/** Where the reports that the repository keeps are, from the root: one file for each store. */
export const FOLDER = 'conformance/reports'

/** Where a run leaves its reports in every form, from the root: a folder for each store. Git ignores it. */
export const FULL = '.cache/reports'

/** A store of this repository. */
export interface Store {
  readonly name: string
  /** Its package, from the root. */
  readonly folder: string
  /** The module that puts it on trial, from the root. */
  readonly harness: string
  /** How long a call may take, in seconds. */
  readonly patience: number
  /** The program that runs the kit on it. */
  readonly runtime: string
}

/** What the list says of a store. */
interface Listed {
  readonly folder: string
  /** From its folder, where the package has several stores. */
  readonly harness?: string
  readonly runtime?: string
}

/** All stores, by what `npm test` calls them. The memory store's harness is the kit's own. */
export const stores: readonly Store[] = Object.entries<Listed>(listed).map(([name, { folder, harness, runtime }]) => ({
  name,
  folder,
  harness: name === 'memory' ? 'conformance/test/memory-harness.ts' : `${folder}/${harness ?? 'test/harness.ts'}`,
  patience: PATIENCE[name] ?? CALL_PATIENCE / 1000,
  runtime: runtime === undefined ? process.execPath : join(root, runtime),
}))

/** What the kit said of a store last; undefined where it never did. */
export function keptOf({ name }: Store): Kept | undefined {
  const file = join(root, FOLDER, `${name}.md`)
  return existsSync(file) ? readCompact(readFileSync(file, 'utf8')) : undefined
}

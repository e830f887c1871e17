import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import listed from '../../../scripts/check/stores.json' with { type: 'json' }
import type { Report } from '../../src/index.ts'

/** The repository. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url))

/** For one call, in seconds: a server may have to start first, and DynamoDB Local takes its time for thousands of deletes. */
export const PATIENCE = 120

/** Where the reports are, from the root. */
export const FOLDER = 'conformance/reports'

/** A store of this repository. */
export interface Store {
  readonly name: string
  /** Its package, from the root. */
  readonly folder: string
  /** The module that puts it on trial, from the root. */
  readonly harness: string
}

/** All stores, by what `npm test` calls them. The memory store's harness is the kit's own. */
export const stores: readonly Store[] = Object.entries(listed).map(([name, { folder }]) => ({
  name,
  folder,
  harness: name === 'memory' ? 'conformance/test/memory-harness.ts' : `${folder}/test/harness.ts`,
}))

/** What the kit said of a store last; undefined where it never did. */
export function reportOf({ name }: Store): Report | undefined {
  const file = join(root, FOLDER, name, 'report.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Connection } from '@sess/conformance'
import type { SessionStore } from '@sess/core'

/** What an app is told of its store. */
export type StoreEnvironment = Readonly<Record<'STORE_MODULE' | 'STORE_ARGUMENT', string>>

/**
 * Names a store to an app.
 *
 * @param module - What the kit's processes import, too: a module that exports `connect`. Its URL.
 * @param argument - Where the sessions are, in that module's words.
 */
export const storeAt = (module: string, argument: string): StoreEnvironment => ({
  STORE_MODULE: module,
  STORE_ARGUMENT: argument,
})

/** The module of a store of this repository. @param folder - From the repository's root. */
export const moduleIn = (folder: string): string =>
  pathToFileURL(join(import.meta.dirname, '../../..', folder, 'test/harness.ts')).href

/** The store that this process was told of. */
export async function givenStore(): Promise<SessionStore> {
  const { STORE_MODULE, STORE_ARGUMENT } = process.env
  const { connect } = (await import(STORE_MODULE!)) as { connect(argument: string): Connection | Promise<Connection> }
  return (await connect(STORE_ARGUMENT!)).store
}

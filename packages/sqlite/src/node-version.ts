import { SessError } from '@sess/core'

/**
 * Throws on a Node.js older than 22, where better-sqlite3 13 crashes the process. better-sqlite3 loads its native part when a database
 * is opened, which is after all imports have run, so this check in an import comes early enough.
 */
export function checkNode(version: string): void {
  if (Number.parseInt(version, 10) < 22)
    throw new SessError(
      'configuration',
      `@sess/sqlite needs Node.js 22 or later, and this is Node.js ${version}, on which better-sqlite3 13 crashes the process. Upgrade Node.js`,
    )
}

checkNode(process.versions.node)

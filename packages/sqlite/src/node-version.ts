import { SessError } from '@sess/core'

/**
 * better-sqlite3 13 crashes the process when it is opened on a Node older than 22. It loads its native part only when a
 * database is opened, and every import is evaluated before that: so importing this is early enough, in whatever order.
 */
export function checkNode(version: string): void {
  if (Number.parseInt(version, 10) < 22)
    throw new SessError(
      'configuration',
      `@sess/sqlite needs Node.js 22 or later, and this is ${version}: better-sqlite3 13 would crash the process. Upgrade Node.js`,
    )
}

checkNode(process.versions.node)

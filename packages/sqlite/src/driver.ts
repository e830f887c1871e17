import type { SqliteClient, SqliteStatement } from './client.ts'

/** What the three drivers have in common, under names of its own. */
export interface Driver {
  readonly name: 'better-sqlite3' | 'node:sqlite' | 'bun:sqlite'
  readonly isOpen: () => boolean
  readonly inTransaction: () => boolean
  readonly exec: (sql: string) => void
  readonly prepare: (sql: string) => Statement
}

/** A value of a column. Integers are numbers or bigints, as the connection is set; see {@link numberOf}. */
export type Column = number | bigint | string | Uint8Array | null

/** A prepared statement. */
export interface Statement {
  /** Runs it to its end. @returns How many rows changed. */
  run(...values: readonly Column[]): number
  /** Runs it to its end. @returns All rows, by column name. */
  all<Row>(...values: readonly Column[]): Row[]
}

/** The properties by which a driver is known. */
interface Shape {
  readonly open?: unknown
  readonly inTransaction?: unknown
  readonly isOpen?: unknown
  readonly isTransaction?: unknown
  readonly pragma?: unknown
  readonly filename?: unknown
  readonly handle?: unknown
}

/** The driver of a connection; undefined if it is a connection of none of the three. */
export function driverOf(client: SqliteClient): Driver | undefined {
  if (typeof client?.prepare !== 'function' || typeof client.exec !== 'function') return undefined
  const shape = client as SqliteClient & Shape
  const common = { exec: (sql: string) => void client.exec(sql), prepare: (sql: string) => statementOf(client, sql) }
  if (typeof shape.pragma === 'function' && typeof shape.open === 'boolean')
    return {
      ...common,
      name: 'better-sqlite3',
      isOpen: () => shape.open === true,
      inTransaction: () => shape.inTransaction === true,
    }
  // Of a database that is not open, this property of node:sqlite throws; so does that of bun:sqlite below.
  if (typeof shape.isOpen === 'boolean' && 'isTransaction' in shape)
    return {
      ...common,
      name: 'node:sqlite',
      isOpen: () => shape.isOpen === true,
      inTransaction: () => shape.isTransaction === true,
    }
  if (typeof shape.filename === 'string' && typeof shape.handle === 'number') {
    const inTransaction = (): boolean => shape.inTransaction === true
    return { ...common, name: 'bun:sqlite', isOpen: () => !throws(inTransaction), inTransaction }
  }
  return undefined
}

/** Settings of a connection that change what its statements return, and what undoes them for one statement. */
interface Returns {
  /** better-sqlite3, after `defaultSafeIntegers()`; bun:sqlite, after `{ safeIntegers: true }`. */
  safeIntegers?(on: boolean): unknown
  /** node:sqlite, after `{ readBigInts: true }`. */
  setReadBigInts?(on: boolean): unknown
  /** node:sqlite, after `{ returnArrays: true }`. */
  setReturnArrays?(on: boolean): unknown
}

function statementOf(client: SqliteClient, sql: string): Statement {
  // Integers arrive as bigints: a number would hide that a damaged row holds one that no number is equal to.
  const statement = client.prepare(sql) as SqliteStatement & Returns
  statement.safeIntegers?.(true)
  statement.setReadBigInts?.(true)
  statement.setReturnArrays?.(false)
  return {
    run: (...values) => Number((statement.run(...(values as never[])) as { changes: number | bigint }).changes),
    all: <Row>(...values: readonly Column[]) => statement.all(...(values as never[])) as Row[],
  }
}

function throws(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch {
    return true
  }
}

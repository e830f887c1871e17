import type { SqliteClient, SqliteStatement } from './client.ts'

/** The common interface of the three drivers. */
export interface Driver {
  readonly name: 'better-sqlite3' | 'node:sqlite' | 'bun:sqlite'
  readonly isOpen: () => boolean
  readonly inTransaction: () => boolean
  readonly exec: (sql: string) => void
  readonly prepare: (sql: string) => Statement
}

/** A value of a column, or of a parameter. */
export type Column = number | bigint | string | Uint8Array | null

/** A prepared statement. */
export interface Statement {
  /** Runs the statement to its end. @returns How many rows changed. */
  run(...values: readonly Column[]): number
  /** Runs the statement to its end. @returns All rows, as objects with the column names. */
  all<Row>(...values: readonly Column[]): Row[]
}

/** The properties by which a driver is recognised. */
interface Shape {
  readonly open?: unknown
  readonly inTransaction?: unknown
  readonly isOpen?: unknown
  readonly isTransaction?: unknown
  readonly pragma?: unknown
  readonly filename?: unknown
  readonly handle?: unknown
}

/** The driver of a connection; undefined for a connection of any other driver. */
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
  // `in`, because reading `isTransaction` of a closed node:sqlite database throws. So does `inTransaction` of bun:sqlite below.
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

/** Methods of a statement that override settings of its connection about results. */
interface Returns {
  /** better-sqlite3, after `defaultSafeIntegers()`; bun:sqlite, after `{ safeIntegers: true }`. */
  safeIntegers?(on: boolean): unknown
  /** node:sqlite, after `{ readBigInts: true }`. */
  setReadBigInts?(on: boolean): unknown
  /** node:sqlite, after `{ returnArrays: true }`. */
  setReturnArrays?(on: boolean): unknown
}

function statementOf(client: SqliteClient, sql: string): Statement {
  // Read integers as bigints, since a damaged row may hold an integer that no number can represent.
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

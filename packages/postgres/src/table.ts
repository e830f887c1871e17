import { invalid } from '@sess/core/adapter'

/** Options that name the table. */
export interface TableOptions {
  /** The table: letters, digits and `_`, 50 at most. Default: `sess_sessions`. */
  readonly table?: string
  /** The schema that the table is in: letters, digits and `_`. Default: the first of the `search_path` that has it. */
  readonly schema?: string
}

/** The names of a table, for statements. */
export interface Table {
  /** The name of the table, quoted, with its schema if the options have a schema. */
  readonly name: string
  /** The name of the schema, quoted. Undefined: PostgreSQL finds the table by the `search_path`. */
  readonly schema: string | undefined
  /** The name of the index of expiries, quoted, in the statement that makes it. */
  readonly index: string
  /** The same name with the schema, to look it up. */
  readonly indexName: string
}

const NAME = /^[A-Za-z_]\w{0,49}$/

/** Makes the names of a table. @throws {SessError} `invalid_option` for a name that is not allowed. */
export function tableOf({ table = 'sess_sessions', schema }: TableOptions): Table {
  for (const [option, name] of Object.entries({ table, schema: schema ?? 'public' }))
    if (typeof name !== 'string' || !NAME.test(name))
      throw invalid(option, 'must be a name of letters, digits and _, 50 at most')
  const within = schema === undefined ? '' : `"${schema}".`
  const index = `"${table}_expiry"`
  return {
    name: `${within}"${table}"`,
    schema: schema === undefined ? undefined : `"${schema}"`,
    index,
    indexName: within + index,
  }
}

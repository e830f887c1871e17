import { invalid } from '@sess/core/adapter'

/** Which table. */
export interface TableOptions {
  /** The table: letters, digits and `_`, 50 at most. Default: `sess_sessions`. */
  readonly table?: string
  /** The schema that the table is in: letters, digits and `_`. Default: the first of the `search_path` that has it. */
  readonly schema?: string
}

/** A table, as statements name it. */
export interface Table {
  /** Quoted, with its schema where one was given. */
  readonly name: string
  /** That of its schema; undefined: by the `search_path`. */
  readonly schema: string | undefined
  /** The index of expiries: `index` where one is made, and `indexName` to look for it. */
  readonly index: string
  readonly indexName: string
}

const NAME = /^[A-Za-z_]\w{0,49}$/

/** @throws {SessError} `invalid_option` for names that are none. */
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

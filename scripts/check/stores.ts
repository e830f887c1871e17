import stores from './stores.json' with { type: 'json' }

type Store = keyof typeof stores

const all = Object.keys(stores) as Store[]

/** Whether a store is tested in this run: all stores, or those in `SESS_STORES`. */
function selected(): Store[] {
  const wanted = process.env['SESS_STORES']?.split(',').map((name) => name.trim())
  if (wanted === undefined) return all
  const unknown = wanted.filter((name) => !all.includes(name as Store))
  if (unknown.length > 0) throw new Error(`SESS_STORES names ${unknown.join(', ')}; the stores are ${all.join(', ')}`)
  // Core's own tests use the memory store, so it always runs.
  return all.filter((name) => name === 'memory' || wanted.includes(name))
}

const chosen = selected()

/** The stores that this run leaves out. */
export const leftOut: readonly Store[] = all.filter((name) => !chosen.includes(name))

/** The folders whose tests this run leaves out, from the root: those of which no store is tested. */
export const foldersLeftOut: readonly string[] = leftOut
  .map((name) => stores[name].folder)
  .filter((folder) => chosen.every((name) => stores[name].folder !== folder))

/** The server programs that the stores of this run need. */
export const servers: readonly string[] = [...new Set(chosen.flatMap((name) => stores[name].servers))]

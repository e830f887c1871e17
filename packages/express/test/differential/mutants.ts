// Runs the differential on a response that is held with a fault: `node mutants.ts NAME`. Ends with exit code 0 if the fault is
// found, and prints how it shows.
import { registerHooks } from 'node:module'

/** A fault as an edit of `src/deferred-response.ts`: what stands there, and what in its place. */
export const MUTANTS: Readonly<Record<string, readonly [find: string, replace: string]>> = {
  // Both faults of a response that was held by its methods, with compression behind the session.
  'the head looks sent before it is rendered': [
    `const OVERRIDES: Pick<Internals, '_send' | '_writeRaw' | '_flush'> & ThisType<Deferred> = {`,
    `const OVERRIDES: any = {
  flushHeaders() {
    Object.defineProperty(this, 'headersSent', { value: true, configurable: true })
    setImmediate(() => {
      delete this.headersSent
      if (this._header === null) this._implicitHeader()
      if (!this.finished) this._send('')
    })
  },`,
  ],
  'a writer that has to wait never gets drain': [
    `    res._flush()
  }

  #fail`,
    `    for (const { data, encoding, callback } of res.outputData.splice(0)) res._writeRaw(data, encoding, callback)
  }

  #fail`,
  ],
  'the head is sent before the commit': [
    `if (this.#hooks.pending) return (void this.#start(), false)`,
    `if (this.#hooks.pending) this.#hooks.beforeHead().catch(() => {})`,
  ],
  'bytes are not held until the response’s turn': [
    `    if (!hold.holds) hold.original._flush.call(this)`,
    `    hold.original._flush.call(this)`,
  ],
  'header fields of other middleware are lost': [
    `present[name] = present[name] === undefined`,
    `if (name !== 'vary') present[name] = present[name] === undefined`,
  ],
}
const [, script, name] = process.argv
if (script === import.meta.filename) {
  const [find, replace] = MUTANTS[name!]!
  let edited = false
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      if (!/packages\/express\/src\/[\w-]+\.ts$/.test(url)) return loaded
      const source = new TextDecoder().decode(Buffer.from(loaded.source as Uint8Array))
      if (!source.includes(find)) return loaded
      edited = true
      return { ...loaded, source: source.replace(find, () => replace) }
    },
  })
  const { compare } = await import('./run.ts')
  const found = await compare(1, 1500, false).then(
    () => undefined,
    (error: Error) => error,
  )
  if (!edited) throw new Error(`${name}: what the mutant replaces is not there`)
  if (!found) throw new Error(`${name}: not found`)
  console.log(String((found.cause as Error | undefined)?.message ?? found).slice(0, 2000))
  process.exit()
}

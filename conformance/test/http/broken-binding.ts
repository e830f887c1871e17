import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HttpHarness } from '@sess/conformance/http'
import { httpMutants, type HttpMutant } from './mutants.ts'

const PACKAGES = join(import.meta.dirname, '../../../packages')
const BROKEN = 'http-mutant'

let edited = false

// A broken binding is a copy of the binding's modules, and of those of @sess/http, by a query that goes along with their imports.
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const query = new URL(context.parentURL ?? 'file:///').searchParams.get(BROKEN)
    const copied = query !== null && /\/packages\/(?:express|fastify|hono|http|koa)\/(?:src|test)\//.test(resolved.url)
    return copied ? { ...resolved, url: `${resolved.url}?${BROKEN}=${query}` } : resolved
  },
  load(url, context, next) {
    const loaded = next(url, context)
    const { pathname, searchParams } = new URL(url)
    const mutant = httpMutants[Number(searchParams.get(BROKEN) ?? NaN)]
    if (!mutant || !pathname.endsWith(`/packages/${mutant.file ?? `${mutant.binding}/src/session.ts`}`)) return loaded
    const source = new TextDecoder().decode(Buffer.from(loaded.source as Uint8Array))
    edited = source.split(mutant.find).length === 2
    return { ...loaded, source: source.replace(mutant.find, () => mutant.replace) }
  },
})

/**
 * The binding of a mutant, broken, as its own harness serves it.
 *
 * @throws Where what the mutant replaces is not there once.
 */
export async function brokenHarnessOf(mutant: HttpMutant): Promise<HttpHarness> {
  const url = pathToFileURL(join(PACKAGES, mutant.binding, 'test/http-harness.ts'))
  url.searchParams.set(BROKEN, String(httpMutants.indexOf(mutant)))
  edited = false
  const module = (await import(url.href)) as { harness?: HttpHarness; harnesses?: readonly HttpHarness[] }
  if (!edited) throw new Error(`what the mutant replaces is not there once: ${mutant.find}`)
  return module.harness ?? module.harnesses![0]!
}

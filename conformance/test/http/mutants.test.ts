import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { httpCases, type HttpHarness } from '@sess/conformance/http'
import { describe, expect, test } from 'vitest'
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

async function harnessOf(mutant: HttpMutant): Promise<HttpHarness> {
  const url = pathToFileURL(join(PACKAGES, mutant.binding, 'test/http-harness.ts'))
  url.searchParams.set(BROKEN, String(httpMutants.indexOf(mutant)))
  edited = false
  const module = (await import(url.href)) as { harness?: HttpHarness; harnesses?: readonly HttpHarness[] }
  expect(edited, 'what the mutant replaces is there once').toBe(true)
  return module.harness ?? module.harnesses![0]!
}

describe('the table of HTTP behaviour catches', () => {
  test.each(httpMutants.map((mutant) => [mutant.binding, mutant.text, mutant] as const))(
    '%s: %s',
    async (_binding, _text, mutant) => {
      const harness = await harnessOf(mutant)
      const passed: string[] = []
      for (const id of mutant.rows) {
        const row = httpCases.find((item) => item.id === id)
        expect(row, id).toBeDefined()
        await row!.run(harness, 1500).then(
          () => passed.push(id),
          () => {},
        )
      }
      expect(passed).toEqual([])
    },
  )
})

/** The app, on a free port of the runtime that runs this, Bun or Deno. Prints its address. */
import app from './app.ts'

interface Runtimes {
  readonly Bun?: { serve(options: object): { readonly url: URL } }
  readonly Deno?: { serve(options: object, handler: (request: Request) => unknown): unknown }
}

const { Bun, Deno } = globalThis as Runtimes
const listen = { port: 0, hostname: '127.0.0.1' }
if (Bun) console.log(Bun.serve({ ...listen, fetch: app.fetch }).url.href)
else
  Deno?.serve(
    { ...listen, onListen: ({ port }: { port: number }) => console.log(`http://127.0.0.1:${port}/`) },
    (request) => app.fetch(request),
  )

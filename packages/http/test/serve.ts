/** An app of `withSession`, on a free port of the runtime that runs this, Bun or Deno. Prints its address. */
import { createSessions, memoryStore } from '@sess/core'
import { withSession } from '@sess/http'

interface Runtimes {
  readonly Bun?: { serve(options: object): { readonly url: URL } }
  readonly Deno?: { serve(options: object, handler: (request: Request) => Promise<Response>): unknown }
}

const sessions = createSessions<{ visits: number }>({ store: memoryStore() })
const handler = withSession(
  sessions,
  async (request, session) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/login') await session.login('ann')
    if (pathname === '/logout') await session.logout()
    if (pathname === '/visit') session.data.visits = (session.data.visits ?? 0) + 1
    if (pathname === '/stream')
      return new Response(
        new ReadableStream({
          pull(controller) {
            session.data.visits = 100
            controller.enqueue(new TextEncoder().encode('streamed'))
            controller.close()
          },
        }),
      )
    return Response.json({ user: session.subject ?? null, visits: session.data.visits ?? 0 })
  },
  { secure: false },
)

const { Bun, Deno } = globalThis as Runtimes
const listen = { port: 0, hostname: '127.0.0.1' }
if (Bun) console.log(Bun.serve({ ...listen, fetch: handler }).url.href)
else
  Deno?.serve(
    { ...listen, onListen: ({ port }: { port: number }) => console.log(`http://127.0.0.1:${port}/`) },
    handler,
  )

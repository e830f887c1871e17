import { getRequestListener } from '@hono/node-server'
import { nodeServer, type HttpAnswer, type HttpHarness } from '@sess/conformance/http'
import { withSession } from '@sess/http'

function responseOf({ status = 200, headers = [], body = '' }: HttpAnswer): Response {
  const bytes = typeof body === 'string' ? body : ReadableStream.from(body).pipeThrough(new TextEncoderStream())
  return new Response(status === 204 || status === 304 ? null : bytes, {
    status,
    headers: headers.map((pair) => [...pair]),
  })
}

export const harness: HttpHarness = {
  name: 'withSession',
  serve(app) {
    const handler = withSession(
      app.sessions,
      async (request, session) => {
        const { pathname, search } = new URL(request.url)
        if (!pathname.startsWith('/app')) return new Response('not found', { status: 404 })
        return responseOf(await app.handle({ method: request.method, url: pathname + search, session: () => session }))
      },
      {
        ...app.cookie,
        private: app.private,
        trustProxy: app.trustProxy,
        onError: async (error, _request, session) => responseOf(await app.handleError(error, () => session!)),
      },
    )
    const listener = getRequestListener(async (request) => {
      const response = await handler(request)
      for (const [name, value] of [...app.before, ...app.after]) response.headers.append(name, value)
      return response
    })
    return nodeServer((req, res) => void listener(req, res))
  },
}

// `withSession` of @sess/http, on node:http.
import { getRequestListener } from '@hono/node-server'
import { withSession } from '@sess/http'
import { listen } from './process.ts'
import { answer, sessions } from './sess-routes.ts'

const fetch = withSession(sessions, async (request, session) => {
  const form = Object.fromEntries(new URLSearchParams(await request.text()))
  const { status, body } = await answer(new URL(request.url).pathname, form, session)
  return Response.json(body, { status })
})

const listener = getRequestListener((request) => fetch(request))
listen((req, res) => void listener(req, res))

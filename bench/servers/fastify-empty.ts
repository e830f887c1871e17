// Fastify with the two hooks that a session takes, which do nothing.
import { SAME } from './routes.ts'
import { serveFastify } from './serve-fastify.ts'

await serveFastify(
  (app) => {
    app.addHook('onRequest', (_request, _reply, done) => done())
    app.addHook('onSend', (_request, _reply, payload, done) => done(null, payload))
  },
  () => SAME,
)

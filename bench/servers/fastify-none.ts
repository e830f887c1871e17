// Fastify without a session.
import { SAME } from './routes.ts'
import { serveFastify } from './serve-fastify.ts'

await serveFastify(
  () => {},
  () => SAME,
)

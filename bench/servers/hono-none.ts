// Hono without a session.
import { SAME } from './routes.ts'
import { serveHono } from './serve-hono.ts'

serveHono(
  () => {},
  () => SAME,
)

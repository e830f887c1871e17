// Hono with middleware that does nothing.
import { SAME } from './routes.ts'
import { serveHono } from './serve-hono.ts'

serveHono(
  (app) => app.use((_c, next) => next()),
  () => SAME,
)

// Koa with middleware that does nothing.
import { SAME } from './routes.ts'
import { serveKoa } from './serve-koa.ts'

serveKoa(
  (app) => app.use((_ctx, next) => next()),
  () => SAME,
)

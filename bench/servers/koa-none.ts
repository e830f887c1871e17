// Koa without a session.
import { SAME } from './routes.ts'
import { serveKoa } from './serve-koa.ts'

serveKoa(
  () => {},
  () => SAME,
)

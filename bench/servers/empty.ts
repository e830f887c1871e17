// Express with middleware that does nothing.
import { SAME } from './routes.ts'
import { serve } from './serve.ts'

serve(
  (app) => app.use((_req, _res, next) => next()),
  () => SAME,
)

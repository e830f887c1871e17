import { isCrossOrigin } from '@sess/http'
import type { RequestHandler } from 'express'

/** Refuses requests that a page of another origin made a browser send, if their method may change something. */
export const sameOriginOnly: RequestHandler = (req, res, next) => {
  if (!isCrossOrigin(req)) return next()
  res.status(403).type('text').send('This request came from another site, so it was refused and nothing was changed.\n')
}

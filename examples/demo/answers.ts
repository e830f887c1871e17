import { isSessError, type OutcomeStatus } from '@sess/core'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { errorPage } from './layout.ts'

/** Whether the client would rather have JSON than a page. */
export function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}

/** The answer to a form: a browser goes on to a page, a client that asks for JSON gets the outcome. */
export function done(req: Request, res: Response, path: string, outcome: object): void {
  if (wantsJson(req)) res.json(outcome)
  else res.redirect(303, path)
}

/** The answer to a form that writes: the library says what a race did to the session, and so does this. */
export function written(req: Request, res: Response, path: string, status: OutcomeStatus): void {
  if (status === 'gone')
    return refuse(
      req,
      res,
      409,
      'Nothing was saved',
      'This session was ended in the meantime, perhaps from another device.',
    )
  if (status === 'superseded')
    return refuse(req, res, 409, 'Nothing was saved', 'Your cookie was renewed in the meantime. Please try again.')
  done(req, res, path, { status })
}

/** Says what went wrong and what to do. */
export function refuse(req: Request, res: Response, status: number, title: string, message: string): void {
  if (wantsJson(req)) return void res.status(status).json({ error: message })
  const user = 'session' in req ? req.session.subject : null
  res
    .status(status)
    .type('html')
    .send(String(errorPage(req.path, user, title, message)))
}

/** For pages that need somebody to be signed in. */
export const signedInOnly: RequestHandler = (req, res, next) => {
  if (req.session.subject !== undefined) return next()
  if (wantsJson(req)) return void res.status(401).json({ error: 'Sign in first.' })
  res.redirect(303, `/login?next=${encodeURIComponent(req.baseUrl)}`)
}

export const notFound: RequestHandler = (req, res) => refuse(req, res, 404, 'Not found', 'There is no such page.')

/** What the caller can act on has an answer of its own; the rest is a fault of the demo. */
export const onError: ErrorRequestHandler = (error: unknown, req, res, next) => {
  if (res.headersSent) return next(error)
  const { status } = error as { status?: number }
  if (isSessError(error, 'not_fresh')) {
    if (wantsJson(req)) return void res.status(403).json({ error: 'Sign in again first.' })
    return res.redirect(303, '/login?next=/')
  }
  if (!isSessError(error) && status !== undefined && status < 500)
    return refuse(req, res, status, 'That did not work', 'The request could not be read.')
  console.error(error)
  // What an outage of the store looks like. Whoever is signed in stays so.
  if (isSessError(error, 'store_unavailable', 'store_full', 'unknown_outcome', 'conflict'))
    return refuse(req, res, 503, 'Sessions cannot be reached', 'You are still signed in. Please try again in a moment.')
  refuse(req, res, 500, 'Something is broken', 'It is not your fault, and it has been noted.')
}

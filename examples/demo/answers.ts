import { isSessError, type OutcomeStatus } from '@sess/core'
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { errorPage } from './layout.ts'

/** Whether the client asks for JSON instead of a page. */
export function wantsJson(req: Request): boolean {
  return req.accepts(['html', 'json']) === 'json'
}

/** The response to a form: a browser is redirected to a page, a client that asks for JSON gets the outcome. */
export function done(req: Request, res: Response, path: string, outcome: object): void {
  if (wantsJson(req)) res.json(outcome)
  else res.redirect(303, path)
}

/** The response to a form that writes. It reports the outcome of the commit, since a race may have ended the session. */
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

/** Middleware for pages that need a signed-in user. */
export const signedInOnly: RequestHandler = (req, res, next) => {
  if (req.session.subject !== undefined) return next()
  if (wantsJson(req)) return void res.status(401).json({ error: 'Sign in first.' })
  res.redirect(303, `/login?next=${encodeURIComponent(req.baseUrl)}`)
}

export const notFound: RequestHandler = (req, res) => refuse(req, res, 404, 'Not found', 'There is no such page.')

/** Answers errors that the caller can act on. All other errors are bugs of the demo. */
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
  // An outage of the store. Signed-in users stay signed in.
  if (isSessError(error, 'store_unavailable', 'store_full', 'unknown_outcome', 'conflict'))
    return refuse(req, res, 503, 'Sessions cannot be reached', 'You are still signed in. Please try again in a moment.')
  refuse(req, res, 500, 'Something is broken', 'It is not your fault, and it has been noted.')
}

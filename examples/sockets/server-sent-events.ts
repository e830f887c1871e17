import type { RequestHandler } from 'express'
import { onceEnded, type AppSessions, type Watching } from './watching.ts'

/** Answers with a stream of events that ends with the session. */
export function serverSentEvents(sessions: AppSessions, watching: Watching): RequestHandler {
  return (req, res) => {
    // An EventSource does not reconnect after another status than 200.
    if (req.session.subject === undefined) return void res.sendStatus(401)
    const closed = new AbortController()
    res.on('close', () => closed.abort())
    res.type('text/event-stream')
    res.write(`event: hello\ndata: ${req.session.subject}\n\n`)
    onceEnded(sessions, req.session, watching, closed.signal, (reason) => res.end(`event: ended\ndata: ${reason}\n\n`))
  }
}

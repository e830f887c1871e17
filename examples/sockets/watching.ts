import type { createSessions, Duration, EndReason, Session } from '@sess/core'

export type AppSessions = ReturnType<typeof createSessions<{ visits: number }>>

/** How late it may be noticed that another process ended a session. */
export interface Watching {
  readonly recheckEvery: Duration
}

/** Acts once the session ends, be it now already. A connection that closes first costs nothing more: abort `closed` then. */
export function onceEnded(
  sessions: AppSessions,
  session: Session<{ visits?: number }>,
  { recheckEvery }: Watching,
  closed: AbortSignal,
  act: (reason: EndReason) => void,
): void {
  const gone = sessions.signal(session, { recheckEvery, until: closed, keepAlive: true })
  const ended = (): void => act(gone.reason as EndReason)
  if (gone.aborted) ended()
  else gone.addEventListener('abort', ended, { once: true })
}

import type { createSessions, Duration, EndReason, Session } from '@sess/core'

export type AppSessions = ReturnType<typeof createSessions<{ visits: number }>>

/** How late a socket may notice that another process ended its session. */
export interface Watching {
  readonly recheckEvery: Duration
}

/** Calls a function when the session ends, or at once if it has ended. Abort `closed` when the connection closes, to stop the watch. */
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

import { createSessions, memoryStore } from '@sess/core'
import type { Request } from 'express'
import { session } from '@sess/express'

const sessions = createSessions<{ theme: string }>({ store: memoryStore() })
declare module '@sess/express' {
  interface Register {
    sessions: typeof sessions
  }
}
export const middleware = session(sessions)
export function f(req: Request): void {
  const theme: string | undefined = req.session.data.theme
  // @ts-expect-error -- a number
  req.session.data.theme = 1
  console.log(theme)
}

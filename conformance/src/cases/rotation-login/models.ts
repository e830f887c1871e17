import { clause } from '../../case-parts/case.ts'
import { SESSION_CALLS, type SessionsModel, type SessionsReal } from '../../case-parts/model-of-sessions.ts'
import { search } from '../../case-parts/search.ts'
import type { Case } from '../../contract.ts'

/** Cases on random requests, each compared with a model. */
export const modelsOfSessions: readonly Case[] = [
  clause('rotation-login', 'sessions', 'model')(
    'model',
    'Whatever requests come, one after the other, with whatever cookies were ever set, each finds the session that it must.',
    (context) =>
      search<SessionsModel, SessionsReal>(context, SESSION_CALLS, async () => {
        const time = { now: context.now }
        return {
          model: { sessions: new Map(), now: context.now },
          real: { all: context.sessions(time), time, cookies: [] },
        }
      }),
  ),
]

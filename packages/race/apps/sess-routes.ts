// What every app on @sess is: its sessions, on the store that it is given, and its routes, whatever its framework.
import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, type Session, type Sessions } from '@sess/core'
import { aesGcmSeal } from '@sess/sealed'
import { WORK_MS } from './process.ts'
import { givenStore } from './store.ts'

/** What a session and a form hold. */
export type Data = Record<string, string>

// Of all processes alike: a subject's sessions lie under it on stores that shard by subject.
const pepper = 'sixteen bytes or more, at random'
const { SEAL_KEY } = process.env
const seal = SEAL_KEY === undefined ? {} : { seal: aesGcmSeal({ keys: [Buffer.from(SEAL_KEY, 'hex')] }) }

/** Sealed, where the process is given the SEAL_KEY, too. */
export const sessions: Sessions<Partial<Data>> = createSessions<Data>({ store: await givenStore(), pepper, ...seal })

/** Answers a request: GET with the session, POST by its path, with a form. */
export async function answer(
  path: string,
  form: Data,
  session: Session<Partial<Data>>,
): Promise<{ readonly status: number; readonly body: object }> {
  switch (path) {
    case '/get':
      return { status: 200, body: { user: session.subject, ...session.data } }
    case '/set': {
      session.data[form['key']!] = form['value']!
      await delay(WORK_MS)
      const { status } = await session.commit()
      // Logged out or signed in meanwhile: nothing was written, and the answer says so.
      return { status: status === 'gone' || status === 'superseded' ? 409 : 200, body: {} }
    }
    case '/login':
      await session.login(form['user']!)
      return { status: 200, body: {} }
    case '/logout':
      await session.logout()
      return { status: 200, body: {} }
    default:
      return { status: 404, body: {} }
  }
}

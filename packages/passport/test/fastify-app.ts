import { Authenticator } from '@fastify/passport'
import { createSessions, memoryStore, type Sessions } from '@sess/core'
import { session } from '@sess/fastify'
import { passportSession, type PassportSessionOptions } from '@sess/passport/fastify'
import fastify, { type FastifyInstance } from 'fastify'
import { Strategy } from 'passport-local'
import { onTestFinished } from 'vitest'
import { Browser } from './browser.ts'

declare module 'fastify' {
  interface PassportUser {
    id: unknown
  }
}

export interface Served {
  readonly app: FastifyInstance
  readonly auth: InstanceType<typeof Authenticator>
  readonly sessions: Sessions
  start(): Promise<() => Browser>
}

/** An application with `passport-local`, whose users all have the password `right`. Errors are answered with their code and message. */
export async function served(options: PassportSessionOptions = {}): Promise<Served> {
  const sessions = createSessions({ store: memoryStore(), log: false })
  const auth = new Authenticator()
  auth.use(
    new Strategy((name, password, done) => {
      if (password === 'right') done(null, { id: name }, { message: `Welcome, ${name}` })
      else done(null, false, { message: 'No such user or password' })
    }),
  )
  const app = fastify({ forceCloseConnections: true })
  onTestFinished(() => app.close())
  await app.register(session(sessions, { cookie: { secure: false } }))
  await app.register(passportSession(auth, options))
  app.get('/me', async (request) => ({ user: request.user ?? null, subject: request.session.subject ?? null }))
  app.get('/data', async (request) => request.session.data)
  app.get('/set', async (request) => Object.assign(request.session.data, request.query))
  app.post('/logout', async (request) => {
    await request.logout()
    return 'out'
  })
  return {
    app,
    auth,
    sessions,
    async start() {
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      return () => new Browser(url)
    },
  }
}

/** Users are named by their `id`. */
export function byId({ auth }: Served): void {
  auth.registerUserSerializer(async (user: { id: unknown }) => user.id)
  auth.registerUserDeserializer(async (id: unknown) => ({ id }))
}

import { createSessions, memoryStore, type Session } from '@sess/core'
import { session, type SessionVariables } from '@sess/hono'
import { Hono } from 'hono'
import { expectTypeOf, test } from 'vitest'

interface Data {
  n: number
}
const sessions = createSessions<Data>({ store: memoryStore() })

test('c.get has the session’s type behind the middleware, in a chain and by Variables', () => {
  new Hono().use(session(sessions)).get('/', (c) => {
    expectTypeOf(c.get('session')).toEqualTypeOf<Session<Partial<Data>>>()
    expectTypeOf(c.var.session.data.n).toEqualTypeOf<number | undefined>()
    // @ts-expect-error -- a number
    c.get('session').data.n = 'one'
    return c.body(null)
  })
  const app = new Hono<{ Variables: SessionVariables<Partial<Data>> }>()
  app.use(session(sessions))
  app.get('/', (c) => {
    expectTypeOf(c.get('session').data.n).toEqualTypeOf<number | undefined>()
    // @ts-expect-error -- no such key
    void c.get('session').data.m
    return c.body(null)
  })
})

/** An app of Hono, for every runtime. On workerd, which asks a module's default export, it is all of the program. */
import { createSessions, memoryStore } from '@sess/core'
import { session } from '@sess/hono'
import { Hono } from 'hono'
import { streamText } from 'hono/streaming'

const sessions = createSessions<{ visits: number }>({ store: memoryStore() })
const app = new Hono()
  .use(session(sessions, { cookie: { secure: false } }))
  .get('/stream', (c) => {
    const { data } = c.get('session')
    return streamText(c, async (stream) => {
      data.visits = 100
      await stream.write('streamed')
    })
  })
  .get('/fail', async (c) => {
    await c.get('session').login('bob')
    throw new Error('mine')
  })
  .get('/:what?', async (c) => {
    const visitor = c.get('session')
    const what = c.req.param('what')
    if (what === 'login') await visitor.login('ann')
    if (what === 'logout') await visitor.logout()
    if (what === 'visit') visitor.data.visits = (visitor.data.visits ?? 0) + 1
    return c.json({ user: visitor.subject ?? null, visits: visitor.data.visits ?? 0 })
  })
  .onError((error, c) => c.text(error.message, 500))

export default app

// @sess/koa.
import { text } from 'node:stream/consumers'
import type { Session } from '@sess/core'
import { session } from '@sess/koa'
import Koa from 'koa'
import { listen } from './process.ts'
import { answer, sessions, type Data } from './sess-routes.ts'

const app = new Koa()
app.use(session(sessions))
app.use(async (ctx) => {
  const form = Object.fromEntries(new URLSearchParams(await text(ctx.req)))
  Object.assign(ctx, await answer(ctx.path, form, (ctx as unknown as { session: Session<Partial<Data>> }).session))
})

const listener = app.callback()
listen((req, res) => void listener(req, res))

import type { Session, Sessions } from '@sess/core'
import type { RegisteredSession } from '@sess/koa'
import type { Context } from 'koa'
import Koa from 'koa'
import { expectTypeOf, test } from 'vitest'

interface Data {
  n: number
}

declare module '@sess/koa' {
  interface Register {
    sessions: Sessions<Partial<Data>>
  }
}

test('ctx.session has the type of the registered sessions, and cannot be assigned', () => {
  expectTypeOf<Context['session']>().toEqualTypeOf<Session<Partial<Data>>>()
  const use = (other: RegisteredSession): void => {
    new Koa().use((ctx) => {
      expectTypeOf(ctx.session.data.n).toEqualTypeOf<number | undefined>()
      // @ts-expect-error -- a number
      ctx.session.data.n = 'one'
      // @ts-expect-error -- no such key
      void ctx.session.data.m
      // @ts-expect-error -- a getter
      ctx.session = other
    })
  }
  void use
})

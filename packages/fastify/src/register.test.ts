import type { Session, Sessions } from '@sess/core'
import type { RegisteredSession } from '@sess/fastify'
import fastify, { type FastifyRequest } from 'fastify'
import { expectTypeOf, test } from 'vitest'

interface Data {
  n: number
}

declare module '@sess/fastify' {
  interface Register {
    sessions: Sessions<Partial<Data>>
  }
}

test('request.session has the type of the registered sessions, and cannot be assigned', () => {
  expectTypeOf<FastifyRequest['session']>().toEqualTypeOf<Session<Partial<Data>>>()
  const use = (other: RegisteredSession): void => {
    fastify().get('/', (request) => {
      expectTypeOf(request.session.data.n).toEqualTypeOf<number | undefined>()
      // @ts-expect-error -- a number
      request.session.data.n = 'one'
      // @ts-expect-error -- no such key
      void request.session.data.m
      // @ts-expect-error -- a getter
      request.session = other
    })
  }
  void use
})

import type { Session } from '@sess/core'
import type { Request } from 'express'
import { expectTypeOf, test } from 'vitest'
import type { RegisteredSession } from '@sess/express'
import type { Data } from '../test/served.ts'

test('req.session has the type of the registered sessions, and cannot be assigned', () => {
  expectTypeOf<Request['session']>().toEqualTypeOf<Session<Partial<Data>>>()
  expectTypeOf<RegisteredSession>().toEqualTypeOf<Session<Partial<Data>>>()
  const handler = (req: Request, other: RegisteredSession): void => {
    expectTypeOf(req.session.data.n).toEqualTypeOf<number | undefined>()
    // @ts-expect-error -- a number
    req.session.data.n = 'one'
    // @ts-expect-error -- no such key
    void req.session.data.m
    // @ts-expect-error -- a getter
    req.session = other
  }
  void handler
})

import { UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { Duration } from '@sess/core'
import type { AppSession } from './session.ts'

// Guards run behind the session on both adapters. Nest's middleware does not: on Fastify it runs before any hook.
const sessionOf = (context: ExecutionContext): AppSession =>
  context.switchToHttp().getRequest<{ session: AppSession }>().session

/** Lets only those through who are signed in: `@UseGuards(signedIn)`. */
export const signedIn: CanActivate = {
  canActivate(context) {
    if (sessionOf(context).subject === undefined) throw new UnauthorizedException()
    return true
  },
}

/** Lets only those through who signed in a short time ago: `@UseGuards(signedInWithin('5m'))`. Else Nest answers 401. */
export function signedInWithin(maxAge: Duration): CanActivate {
  return {
    canActivate(context) {
      sessionOf(context).requireFresh(maxAge)
      return true
    },
  }
}

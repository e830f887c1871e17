import { UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { Duration } from '@sess/core'
import type { AppSession } from './session.ts'

// On both adapters, guards run when the session is loaded. Nest's middleware does not: on Fastify it runs before any hook.
const sessionOf = (context: ExecutionContext): AppSession =>
  context.switchToHttp().getRequest<{ session: AppSession }>().session

/** Lets only signed-in users through: `@UseGuards(signedIn)`. */
export const signedIn: CanActivate = {
  canActivate(context) {
    if (sessionOf(context).subject === undefined) throw new UnauthorizedException()
    return true
  },
}

/** Lets only users with a recent sign-in through: `@UseGuards(signedInWithin('5m'))`. For others Nest answers 401. */
export function signedInWithin(maxAge: Duration): CanActivate {
  return {
    canActivate(context) {
      sessionOf(context).requireFresh(maxAge)
      return true
    },
  }
}

/**
 * The invariants of the design that concurrent requests can break, as checks. The numbers are those of the design.
 *
 * 1. Logout wins: a deleted record never comes back, and the request that ended a session finds it ended.
 * 2. No acknowledged write is lost, unless its session was ended, or another request wrote the same key and got a conflict event.
 * 3. One secret opens a session. Earlier secrets are kept or superseded, as the rotation asked. A request with a superseded secret
 *    neither writes nor gets a cookie.
 * 4. After a login the user is signed in under a new key and a new secret. The old secret is never signed in, no subject gets data of
 *    another subject, and no data of the anonymous session is lost.
 * 5. Only creates make keys. A handle from a cookie is never adopted.
 * 8. An operation throws only after a failure, and its error is true.
 * 9. A retried write is applied once.
 */
import { checkArrival } from './arrivals.ts'
import { Reader, type Core } from './core.ts'
import { checkEndings } from './endings.ts'
import type { Checks } from './search.ts'
import type { Say } from './secrets.ts'

/** Makes the checks for a core. */
export function invariants(core: Core): Checks {
  const reader = new Reader(core)
  const gathered = (): { readonly wrong: string[]; readonly say: Say } => {
    const wrong: string[] = []
    return { wrong, say: (invariant, what) => void wrong.push(`invariant ${invariant}: ${what}`) }
  }
  return {
    onArrival(scene, arrival) {
      const { wrong, say } = gathered()
      checkArrival({ core, reader, scene, say }, arrival)
      return wrong
    },
    async atEnd(scene, state) {
      const { wrong, say } = gathered()
      await checkEndings({ core, reader, scene, say }, state)
      return wrong
    },
  }
}

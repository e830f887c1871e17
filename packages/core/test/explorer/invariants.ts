/**
 * The invariants of the design that concurrent requests can break, as checks.
 *
 * 1. Logout wins: a record that was deleted is never there again; who ended a session finds it ended.
 * 2. No write that was acknowledged is lost, unless its session was ended or its key written by another, who is told.
 * 3. One secret opens a session; earlier ones are kept or superseded as asked; who has a superseded one neither writes
 *    nor gets a cookie.
 * 4. A login ends signed in under a new key and a new secret. The old one is never signed in, no data crosses from one
 *    subject to another, and none of an anonymous session's is lost.
 * 5. Keys come from creates alone; a handle out of a cookie is never adopted.
 * 8. Only a failure makes an operation throw, and what it then says is so.
 * 9. A write that is sent again is one write.
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

import { randomBytes } from 'node:crypto'
import type { SessionKey, Subject } from '@sess/core'
import { contended, TRIES, type EpochTable } from './epoch-table.ts'
import { EPOCH, epochOf, withEpoch } from './epochs.ts'
import { MOST_EPOCHS } from './record.ts'
import type { Look, Records, Seen } from './records.ts'

/**
 * Replaces a subject's epoch. The session that is spared takes the new epoch first, beside the current one: so that session
 * is never ended in between. Of two revocations at once that spare different sessions, each ends the session of the other.
 */
export async function revoke(
  table: EpochTable,
  records: Records,
  { id: subject, tag }: Subject,
  now: number,
  except?: SessionKey,
): Promise<void> {
  const spared = except?.tag === tag ? except : undefined
  for (let tries = 0, next = randomBytes(EPOCH); tries < TRIES; tries++) {
    const { epochs, token, seen }: Look = spared ? await records.look(spared, now) : await table.read(tag)
    const epoch = epochOf(epochs, subject)
    if (!epoch || !token) return
    // A record that was ended after the new epoch was written into it must not live again when that epoch takes effect.
    if (seen?.record.subject !== subject) next = randomBytes(EPOCH)
    else if (!(await prepare(records, tag, seen, epoch, next, now))) continue
    if (await table.replace(tag, withEpoch(epochs, subject, next, 0), token, now)) return
  }
  throw contended()
}

/** Writes the epoch that the subject is about to have into the record that is spared. @returns False where it changed meanwhile. */
async function prepare(
  records: Records,
  tag: string,
  seen: Seen,
  epoch: Buffer,
  next: Buffer,
  now: number,
): Promise<boolean> {
  const others = seen.record.epochs.filter((other) => !other.equals(epoch))
  if (others.some((other) => other.equals(next))) return true
  // The others are of revocations under way, or of such as never came to their end.
  return records.replaceEpochs(tag, seen, [epoch, ...others.slice(2 - MOST_EPOCHS), next], now)
}

import { randomBytes } from 'node:crypto'
import type { SessionKey, Subject } from '@sess/core'
import { contended, TRIES, type EpochTable } from './epoch-table.ts'
import { EPOCH, epochOf, withEpoch } from './epochs.ts'
import { MOST_EPOCHS } from './record.ts'
import type { Look, Records, Seen } from './records.ts'

/**
 * Replaces a subject's epoch. If a session is spared, its record first gets the new epoch beside the current one, so that it is live at
 * every moment. If two parallel revocations spare different sessions, each ends the session of the other.
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
    // At the time 0: a record that has ended for this process alone, whose clock is ahead, is spared too.
    const { epochs, token, seen }: Look = spared ? await records.look(spared, 0) : await table.read(tag)
    const epoch = epochOf(epochs, subject)
    if (!epoch || !token) return
    // The spared record has ended after it got the new epoch: take another epoch, so that it does not come back.
    if (seen?.record.subject !== subject) next = randomBytes(EPOCH)
    else if (!(await prepare(records, tag, seen, epoch, next, now))) continue
    if (await table.replace(tag, withEpoch(epochs, subject, next, 0), token, now)) return
  }
  throw contended()
}

/** Writes the new epoch into the spared record. @returns False if the record has changed meanwhile. */
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
  // Other epochs belong to revocations that are running or were interrupted.
  return records.replaceEpochs(tag, seen, [epoch, ...others.slice(2 - MOST_EPOCHS), next], now)
}

import { isUnknown, mayRetry } from './calls.ts'
import { written } from './codec.ts'
import { SessError } from './error.ts'
import type { RecordAccess } from './record-access.ts'
import { nextRevision } from './revisions.ts'
import { judge } from './secrets.ts'
import { handleOf } from './token.ts'
import { LOGGED_WRITES, rememberedFrom, remembers } from './write-log.ts'
import type { Write } from './write.ts'

/** What a write did. `kept`: nothing, because the write is a rotation and the request has a kept secret. */
export type Applied = 'replaced' | 'unchanged' | 'gone' | 'superseded' | 'kept'

/**
 * Applies a write to a request's record, by compare-and-set. After a conflict it reads the record again and retries. It judges the
 * request's secret before every try. Writes of this process to one record run one after the other.
 *
 * @param doubted - The write was sent before, and its answer never came: first look whether it was applied.
 * @throws {SessError} `conflict` once 2 × `storeTimeout` have passed; `unknown_outcome`; or the store's own code.
 */
export async function applyWrite(access: RecordAccess, write: Write, doubted = false): Promise<Applied> {
  const { settings, writes } = access.context
  const limitMs = 2 * settings.storeTimeout
  const until = performance.now() + limitMs
  const entered = writes.enter(handleOf(access.held!.key), limitMs)
  const turn = entered instanceof Promise ? await entered : entered
  try {
    const { handed } = turn
    if (handed && handed.record.revision > access.held!.record.revision) access.refresh(handed)
    const applied = await applyUntil(until, access, write, doubted)
    turn.leave(applied === 'gone' ? undefined : access.held)
    return applied
  } catch (error) {
    turn.leave(undefined, error)
    throw error
  }
}

async function applyUntil(until: number, access: RecordAccess, write: Write, doubted: boolean): Promise<Applied> {
  const { calls, settings } = access.context
  const { doubtful, rotation } = write
  let look = doubted
  let resend = true
  try {
    for (let tries = 0; performance.now() < until; tries++) {
      if (tries > 2) await backOff(tries)
      const found = look && (await lookFor(access, write, until))
      if (found) return found
      const now = settings.clock()
      const { key, record, envelope, content } = access.held!
      const verdict = judge(envelope, access.digest!, now)
      if (verdict === 'superseded' || verdict === 'mismatched')
        return await rotatedMeanwhile(access, write, look, until)
      if (record.expiresAt <= now) return access.become('gone')
      access.judgedAs(verdict)
      if (rotation && verdict === 'kept') return verdict
      const composed = write.compose(content)
      const next = composed instanceof Promise ? await composed : composed
      if (next === content && !rotation && !doubtful.length) return 'unchanged'
      const held = nextRevision(settings, access.held!, write, next, now)
      look = true
      try {
        const answer = await calls.tell(
          'replace',
          key,
          (at) => settings.store.replace(key, record, held.record, at),
          1,
          until,
        )
        if (answer === 'missing') return access.become('gone')
        if (answer === 'replaced') {
          access.landed(write, written(held))
          return answer
        }
      } catch (error) {
        if (isUnknown(error)) doubtful.push(held.record.revision)
        if (!resend || !mayRetry(error)) throw error
        // Retry once with the same record. The secret is judged again first, since its `keepOldFor` may have ended.
        resend = look = false
      }
    }
  } catch (error) {
    if (!doubtful.length || isUnknown(error)) throw error
    throw new SessError('unknown_outcome', 'the outcome of a write is not known; call commit() again to settle it', {
      cause: error,
      ...access.names,
    })
  }
  throw new SessError(
    'conflict',
    'other requests kept changing the session meanwhile; nothing was written. Try again',
    access.names,
  )
}

/**
 * Reads the record again, past any cache, and looks in its write log for a write that may have been applied.
 *
 * @returns Undefined if the write was not applied, and may be retried.
 * @throws {SessError} `unknown_outcome` if the log no longer reaches back to the write.
 */
export async function lookFor(
  access: RecordAccess,
  write: Write,
  until?: number,
): Promise<'replaced' | 'gone' | undefined> {
  const held = await access.context.read(access.held!.key, true, until)
  if (!held) return access.become('gone')
  access.refresh(held)
  const { envelope, record } = held
  if (remembers(envelope, write.id)) {
    access.landed(write, held)
    return 'replaced'
  }
  if (Math.min(...write.doubtful) >= rememberedFrom(envelope, record.revision)) return undefined
  write.lost = true
  throw new SessError(
    'unknown_outcome',
    `other requests have written the session more than ${LOGGED_WRITES} times since; this write may have been applied, and is not sent again`,
    access.names,
  )
}

/** Ends a write whose secret was rotated away. It answers `superseded` only if none of its tries can have been applied. */
async function rotatedMeanwhile(
  access: RecordAccess,
  write: Write,
  looked: boolean,
  until: number,
): Promise<'replaced' | 'gone' | 'superseded'> {
  const { doubtful } = write
  const found = !looked && doubtful.length && (await lookFor(access, write, until))
  if (found) return found
  const { revision } = access.held!.record
  if (doubtful.some((tried) => tried > revision))
    throw new SessError(
      'unknown_outcome',
      'a write was sent, and its secret expired before the answer; the write may have been applied',
      access.names,
    )
  return access.become('superseded')
}

/** Waits before a retry: a random time of up to 2^tries ms, at most 100 ms, so that writes of other processes can finish. */
export function backOff(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, 100)))
}

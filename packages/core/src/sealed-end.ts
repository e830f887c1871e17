import { NO_CONTENT, pack, written, type DecodedRecord } from './codec.ts'
import { backOff } from './compare-and-set.ts'
import type { Context } from './context.ts'
import { SessError } from './error.ts'
import { draftOf } from './revisions.ts'
import { SUPERSEDED_KNOWN_MS } from './secrets.ts'
import type { SessionKey } from './store.ts'
import { handleOf, newWriteId } from './token.ts'
import { writesWith } from './write-log.ts'

/**
 * Ends a session with an external ID: puts a marker in place of its record. A marker opens nothing, and no session can be created
 * over it. This write goes before the writes that wait in this process, which then find the marker.
 *
 * @throws {SessError} `conflict` once 2 × `storeTimeout` have passed; or the store's own code.
 */
export async function endSealed(context: Context, key: SessionKey): Promise<void> {
  const { settings, writes } = context
  const limitMs = 2 * settings.storeTimeout
  const until = performance.now() + limitMs
  const turn = await writes.enter(handleOf(key), limitMs, 'first')
  try {
    turn.leave(await endUntil(until, context, key))
  } catch (error) {
    turn.leave(undefined, error)
    throw error
  }
}

async function endUntil(until: number, context: Context, key: SessionKey): Promise<DecodedRecord> {
  const { calls, settings } = context
  const { store } = settings
  const id = newWriteId()
  for (let tries = 0; performance.now() < until; tries++) {
    if (tries > 2) await backOff(tries)
    const old = await context.read(key, true, until)
    const { revision = 0, subject } = old?.record ?? {}
    const now = settings.clock()
    const draft = { ...draftOf(now), marker: true, writes: old ? writesWith(old.envelope, id) : id }
    const meta = { revision: revision + 1, expiresAt: now + SUPERSEDED_KNOWN_MS, ...(subject && { subject }) }
    const marker = pack(settings, key, meta, draft, NO_CONTENT)
    const place = async (at: number): Promise<boolean> =>
      old
        ? (await store.replace(key, old.record, marker.record, at)) === 'replaced'
        : store.create(key, marker.record, at)
    if (await calls.tell('close', key, place, 1, until)) return written(marker)
    // A damaged record, which cannot be read, is in the way of the create.
    if (!old) await calls.tell('close', key, (at) => store.delete(key, at), 2)
  }
  throw new SessError(
    'conflict',
    'other requests kept changing the session, so that it could not be ended; try again',
    {
      handle: handleOf(key),
    },
  )
}

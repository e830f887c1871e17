import type { LoginOptions, OutcomeStatus } from './api.ts'
import { NO_CONTENT, pack, type Content, type Held } from './codec.ts'
import { LONGEST_TEXT, marked, MOST_HINTS, remembers } from './envelope.ts'
import { SessError } from './error.ts'
import { checkOptions, checkType, invalid, type OptionNames } from './option-check.ts'
import { lifetimesOf, type Lifetimes, type Settings } from './options.ts'
import { judge, KNOWN_FOR, validAtMarking, wasValidAtMarking } from './secrets.ts'
import { TRIES, type Stored, type Write } from './stored.ts'
import { handleOf, newSecret, newWriteId } from './token.ts'

/** What a sign-in decides for the session's life. Times in ms. */
export interface SignIn extends Lifetimes {
  readonly persistent: boolean
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>> | undefined
}

const NAMES: OptionNames<LoginOptions> = {
  idleTimeout: true,
  absoluteTimeout: true,
  persistent: true,
  label: true,
  client: true,
}

const LIFETIME = 'set idleTimeout and absoluteTimeout'
const HINTS = { ttl: LIFETIME, maxAge: LIFETIME, expires: LIFETIME, keepOldFor: 'login() ends the old secret at once' }

/** @throws {SessError} `invalid_option`, naming the option. */
export function signInOf(options: LoginOptions, settings: Settings): SignIn {
  checkOptions(options, 'login()', NAMES, HINTS)
  checkType(options.persistent, 'persistent', 'boolean')
  const { label, client, persistent = settings.persistent } = options
  const texts = [label ?? '', ...Object.entries(client ?? {}).flat()]
  if (texts.length <= 2 * MOST_HINTS + 1 && texts.every(isText))
    return { ...lifetimesOf(options, settings), persistent, label, client: client && { ...client } }
  throw invalid('label and client', `take text of up to ${LONGEST_TEXT} characters, and up to ${MOST_HINTS} hints`)
}

/**
 * Signs a subject in: one replace where the session is the subject's already, under the newest pepper; otherwise a new
 * record, and then a marker in the place of the one that the request came with.
 */
export async function signIn(
  stored: Stored,
  subject: string,
  tag: string,
  terms: SignIn,
  write: Write,
): Promise<OutcomeStatus> {
  if (stored.mode === 'current' && stored.held!.record.subject === subject && stored.held!.key.tag === tag) {
    const rotation = { secret: newSecret(), keepFor: 0, signIn: terms }
    if ((await stored.apply({ ...write, rotation })) === 'replaced') return 'saved'
  }
  const { mode, held, digest } = stored
  const carried = carriedTo(subject, stored)
  await stored.create(write, carried ? await write.compose(carried) : NO_CONTENT, subject, tag, terms)
  if (mode === 'current') await mark(stored, held!, digest!, carried && write)
  // Found while what others wrote was brought along.
  if (!stored.live)
    throw new SessError('conflict', 'the new session was revoked while it was being made; sign in again')
  return 'created'
}

/** What of the stored content comes along to a subject's new session. Undefined: nothing, nor any change. */
function carriedTo(subject: string, { mode, held, digest }: Stored): Content | undefined {
  if (mode === 'new') return NO_CONTENT
  if (mode === 'gone' || mode === 'destroyed') return undefined
  const { envelope, record, content } = held!
  const owner = record.subject
  if (owner !== undefined && owner !== subject) return undefined
  if (mode !== 'superseded') return content
  const mine = owner ? !envelope.marker : envelope.marker && wasValidAtMarking(envelope, digest!)
  return mine ? content : NO_CONTENT
}

/**
 * Turns the record that a login came from into a marker. Whatever happens here, the sign-in stands.
 *
 * @param write - This request's changes; undefined when another subject was signed in, whose data stays behind.
 */
async function mark(stored: Stored, loaded: Held, digest: string, write: Write | undefined): Promise<void> {
  const { context } = stored
  const { calls, events, settings } = context
  const { store, clock } = settings
  const id = newWriteId()
  const { key } = loaded
  const owned = loaded.record.subject !== undefined
  try {
    for (let tries = 0, old = loaded; tries < TRIES; tries++) {
      const now = clock()
      const revision = old.record.revision + 1
      const { earlier } = old.envelope
      const draft = {
        ...old.envelope,
        marker: true,
        earlier: validAtMarking(earlier, now),
        writes: marked(old.envelope, id),
      }
      const content = owned ? NO_CONTENT : old.content
      const next = pack(settings, key, { ...old.record, revision, expiresAt: now + KNOWN_FOR }, draft, content)
      if ((await calls.tell('replace', key, (at) => store.replace(key, old.record, next.record, at), 2)) !== 'conflict')
        return
      const fresh = await context.read(key, true)
      if (!fresh || remembers(fresh.envelope, id)) return
      const { marker } = fresh.envelope
      const mine = marker ? wasValidAtMarking(fresh.envelope, digest) : judge(fresh.envelope, digest, now) === 'current'
      if (!mine) return
      // Another login's marker of a subject's session has no data: that login took it along.
      if (marker && owned) return
      // What others wrote there meanwhile comes along.
      if (write) await stored.apply({ id: newWriteId(), compose: () => write.compose(fresh.content), doubtful: [] })
      if (marker || !stored.live) return
      old = fresh
    }
    if (owned) await calls.tell('delete', key, (at) => store.delete(key, at), 2)
  } catch (error) {
    events.emit('error', { code: 'store_unavailable', operation: 'login: mark', error, handle: handleOf(key) })
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_TEXT
}

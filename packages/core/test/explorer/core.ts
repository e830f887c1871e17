/** The tested core: the core in `src`, or a copy with one rule removed. */
import type { createSessions, SessError, Serializer } from '../../src/index.ts'
import type * as envelope from '../../src/envelope.ts'
import type * as token from '../../src/token.ts'
import type { AnyRecord } from '../../src/store.ts'

/** The modules of a core. The invariants decode stored bytes with the same core that wrote them. */
export interface Core {
  readonly createSessions: typeof createSessions
  readonly SessError: typeof SessError
  readonly jsonSerializer: Serializer
  readonly envelope: typeof envelope
  readonly token: typeof token
}

/** Loads the core in a folder. Default: `src`. */
export async function loadCore(folder: URL = new URL('../../src/', import.meta.url)): Promise<Core> {
  const load = (file: string): Promise<never> => import(/* @vite-ignore */ new URL(file, folder).href) as Promise<never>
  const [index, envelope, token] = await Promise.all(['index.ts', 'envelope.ts', 'token.ts'].map(load))
  return { ...(index as unknown as Core), envelope: envelope!, token: token! }
}

/** A decoded record. */
export interface Seen {
  readonly record: AnyRecord
  readonly marker: boolean
  /** The digest of the current secret. */
  readonly digest: string
  readonly earlier: readonly { readonly digest: string; readonly keptUntil: number; readonly knownUntil: number }[]
  readonly writeIds: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

/** Decodes records, each once. */
export class Reader {
  readonly #core: Core
  readonly #seen = new WeakMap<AnyRecord, Seen>()

  constructor(core: Core) {
    this.#core = core
  }

  read(record: AnyRecord): Seen {
    let seen = this.#seen.get(record)
    if (!seen) this.#seen.set(record, (seen = this.#open(record)))
    return seen
  }

  #open(record: AnyRecord): Seen {
    const body = this.#core.envelope.unframe(record.payload, record.subject)?.body
    const opened = body && this.#core.envelope.decodeEnvelope(body)
    if (!opened) throw new Error('core wrote a payload that it cannot read')
    const { marker, digest, earlier, writes } = opened.envelope
    return {
      record,
      marker,
      digest,
      earlier: earlier.map(([before, keptUntil, knownUntil]) => ({ digest: before, keptUntil, knownUntil })),
      writeIds: writes.match(/.{12}/g) ?? [],
      data: this.#core.jsonSerializer.deserialize(opened.data) as Seen['data'],
    }
  }
}

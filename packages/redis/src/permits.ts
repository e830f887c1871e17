import type { RedisClient } from './client.ts'

/** How long a write may wait for a connection, in ms: as long as core waits for an answer at most. */
const PATIENCE = 10_000

/** Goes with a write, which is done only while the byte says so when it is sent. */
export interface Permit {
  /** `1`, and `0` once the write must not be sent any more. A client reads an argument's bytes each time that it sends them. */
  readonly byte: Buffer
  /** False: the write has not left this process. */
  sent: boolean
}

/**
 * Lets every write be sent once, and soon.
 *
 * After a lost connection ioredis sends again what had no answer, and what was queued meanwhile, however late
 * (`autoResendUnfulfilledCommands`, `enableOfflineQueue`). A create that had arrived would then answer "taken", a delete
 * "not there", and one that had not could make a session after its subject was signed out everywhere.
 */
export class Permits {
  readonly #client: RedisClient
  readonly #queued = new Set<Permit>()
  #current = permit(true)

  constructor(client: RedisClient) {
    this.#client = client
    client.on('ready', () => {
      for (const queued of this.#queued) queued.sent = true
    })
    client.on('close', () => {
      this.#end(this.#current)
      this.#current = permit(true)
      for (const queued of this.#queued) if (queued.sent) this.#end(queued)
    })
  }

  /** One for a write that is to be sent now, or to be queued by the client. */
  issue(): Permit {
    if (this.#client.status === 'ready') return this.#current
    const queued = permit(false)
    this.#queued.add(queued)
    setTimeout(() => this.#end(queued), PATIENCE).unref()
    return queued
  }

  #end(ended: Permit): void {
    ended.byte.write('0')
    this.#queued.delete(ended)
  }
}

function permit(sent: boolean): Permit {
  return { byte: Buffer.from('1'), sent }
}

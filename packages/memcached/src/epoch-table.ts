import { randomBytes } from 'node:crypto'
import { isSessError, SessError } from '@sess/core'
import type { Reply } from './client.ts'
import { decodeEpochs, encodeEpochs, EPOCH, epochOf, NO_EPOCHS, withEpoch, type Epochs } from './epochs.ts'
import type { Exchange } from './exchange.ts'
import { itemExpiry } from './item-expiry.ts'
import { epochsKey } from './keys.ts'
import { add, get, NOT_FOUND, OK, replace, type Request } from './request.ts'

/** A table is kept at least a day longer than its sessions need, so that few writes have to prolong it. */
const SLACK_MS = 24 * 60 * 60 * 1000
/** How often a write is tried when other clients write first. */
export const TRIES = 50

/** A table of epochs as it was read, and its token; without a token there is no table. */
export interface Read {
  readonly epochs: Epochs
  readonly token?: Buffer
}

/** An epoch that is in effect. */
export interface Reserved {
  readonly epoch: Buffer
  /** Until when the epoch is kept, in ms since the epoch, by core's clock. */
  readonly until: number
}

/** Reads and writes the tables of epochs: one table per tag, with the epoch of each subject of the tag. */
export class EpochTable {
  readonly #exchange: Exchange
  readonly #prefix: string

  constructor(exchange: Exchange, prefix: string) {
    this.#exchange = exchange
    this.#prefix = prefix
  }

  /** A request for a tag's table, to be sent together with other requests. Pass its reply to {@link readOf}. */
  get(tag: string): Request {
    return get(epochsKey(this.#prefix, tag))
  }

  /** Reads a tag's table. */
  async read(tag: string): Promise<Read> {
    return readOf((await this.#exchange.flight(tag, this.get(tag)))[0])
  }

  /**
   * Makes sure that a subject has an epoch that is kept at least until `then`.
   *
   * @returns The epoch in effect. It takes one round trip if the epoch is kept long enough, or if there is no table yet.
   * @throws {SessError} Never `unknown_outcome`, since it changes no record.
   */
  async reserve(tag: string, subject: string, then: number, now: number): Promise<Reserved> {
    return this.#reserve(tag, subject, then, now).catch((cause: unknown) => {
      if (!isSessError(cause, 'unknown_outcome')) throw cause
      throw new SessError('store_unavailable', cause.message, { cause })
    })
  }

  async #reserve(tag: string, subject: string, then: number, now: number): Promise<Reserved> {
    const key = epochsKey(this.#prefix, tag)
    const fresh = randomBytes(EPOCH)
    const until = then + Math.max(then - now, SLACK_MS)
    const first = encodeEpochs(withEpoch(NO_EPOCHS, subject, fresh, until))
    for (let tries = 0; tries < TRIES; tries++) {
      const [, reply] = await this.#exchange.flight(tag, add(key, first, itemExpiry(until, now)), this.get(tag))
      const { epochs, token } = readOf(reply)
      const epoch = epochOf(epochs, subject)
      if (epoch && epochs.until >= then) return { epoch, until: epochs.until }
      const next = withEpoch(epochs, subject, epoch ?? fresh, until)
      if (token && (await this.replace(tag, next, token, now))) return { epoch: epoch ?? fresh, until: next.until }
    }
    throw contended()
  }

  /** Replaces a table by compare-and-set. @returns False if the table has changed meanwhile. */
  async replace(tag: string, next: Epochs, token: Buffer, now: number): Promise<boolean> {
    const value = encodeEpochs(next)
    const request = replace(epochsKey(this.#prefix, tag), value, itemExpiry(next.until, now), token)
    const [{ header }] = await this.#exchange.flight(tag, request)
    return header.status === OK
  }
}

/** Reads the table in a reply. */
export function readOf({ header, val }: Reply<Buffer>): Read {
  if (header.status === NOT_FOUND) return { epochs: NO_EPOCHS }
  return { epochs: decodeEpochs(val), token: Buffer.from(header.cas) }
}

/** The error of a write before which other clients wrote {@link TRIES} times. Nothing was written. */
export function contended(): SessError {
  return new SessError(
    'store_unavailable',
    `other clients wrote first ${TRIES} times in a row; nothing was written. Try again`,
  )
}

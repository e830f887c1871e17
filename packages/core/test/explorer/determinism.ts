/**
 * Makes a request a pure function of the answers that it gets: the same random bytes each time, and no timers.
 *
 * Core draws keys and secrets from `crypto.randomBytes`, write IDs from `crypto.randomUUID`, and bounds its calls with
 * `setTimeout`. While a run moves, these are replaced: bytes come from the run's own stream, and a timer never fires. What
 * core does between two answers is microtasks only, so a run has settled as soon as that queue is empty.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** The least timeout of a call that the explorer uses, in ms. */
const LEAST_BOUND = 1000

/** A stream of bytes that look random, the same for the same name. */
export class Stream {
  readonly #name: string
  #drawn = 0

  constructor(name: string) {
    this.#name = name
  }

  bytes(size: number): Buffer {
    const name = `${this.#name}/${this.#drawn++}`
    let bytes = hashed.get(name)
    if (!bytes) hashed.set(name, (bytes = crypto.createHash('sha256').update(name).digest()))
    return Buffer.from(bytes.subarray(0, size))
  }
}

/** What streams have given so far: requests are run anew for each branch, and draw the same each time. */
const hashed = new Map<string, Buffer>()

const real = { randomBytes: crypto.randomBytes, randomUUID: crypto.randomUUID }
const realTimeout = globalThis.setTimeout
let moving: Stream | undefined

/** Lets a run move, and waits until it has settled. */
export async function move(stream: Stream, act: () => void): Promise<void> {
  moving = stream
  act()
  // A tick that is asked for by a microtask comes when no microtask is left.
  await Promise.resolve()
  await new Promise<void>((resolve) => process.nextTick(resolve))
  moving = undefined
}

/** Runs some work with the replacements in place, and takes them away again. */
export async function deterministically<T>(work: () => Promise<T>): Promise<T> {
  const randomBytes = (size: number): Buffer => moving?.bytes(size) ?? real.randomBytes(size)
  const randomUUID = (): string =>
    moving
      ?.bytes(16)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') ?? real.randomUUID()
  const setTimeout = (...args: Parameters<typeof realTimeout>): unknown => {
    if (!moving) return realTimeout(...args)
    // What is shorter than any bound of a call only lets others go ahead: here they have, or not.
    if (Number(args[1]) < LEAST_BOUND) queueMicrotask(args[0] as () => void)
    return {}
  }
  Object.assign(crypto, { randomBytes, randomUUID })
  Object.assign(globalThis, { setTimeout })
  syncBuiltinESMExports()
  try {
    return await work()
  } finally {
    Object.assign(crypto, real)
    Object.assign(globalThis, { setTimeout: realTimeout })
    syncBuiltinESMExports()
  }
}

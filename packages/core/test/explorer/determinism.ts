/**
 * Makes a request a pure function of the answers that it gets: it gets the same random bytes each time, and has no timers.
 *
 * Core takes keys and secrets from `crypto.randomBytes`, write IDs from `crypto.randomUUID`, and bounds its calls with
 * `setTimeout`. During a run these are replaced: bytes come from a stream of the run, and timers never fire. Between two answers
 * core only uses microtasks, so a run has settled when the microtask queue is empty.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** The shortest timeout of a call in the explorer, in ms. */
const LEAST_BOUND = 1000

/** A stream of pseudo-random bytes, the same for the same name. */
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

/** The bytes of the streams so far. A request runs again for each branch, and must get the same bytes each time. */
const hashed = new Map<string, Buffer>()

const real = { randomBytes: crypto.randomBytes, randomUUID: crypto.randomUUID }
const realTimeout = globalThis.setTimeout
let moving: Stream | undefined

/** Continues a run, and waits until it has settled. */
export async function move(stream: Stream, act: () => void): Promise<void> {
  moving = stream
  act()
  // A `nextTick` callback that a microtask adds runs when no microtask is left.
  await Promise.resolve()
  await new Promise<void>((resolve) => process.nextTick(resolve))
  moving = undefined
}

/** Runs some work with the replacements, and then restores the originals. */
export async function deterministically<T>(work: () => Promise<T>): Promise<T> {
  const randomBytes = (size: number): Buffer => moving?.bytes(size) ?? real.randomBytes(size)
  const randomUUID = (): string =>
    moving
      ?.bytes(16)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') ?? real.randomUUID()
  const setTimeout = (...args: Parameters<typeof realTimeout>): unknown => {
    if (!moving) return realTimeout(...args)
    // A timer that is shorter than every timeout of a call is a pause before a retry. It fires at once here.
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

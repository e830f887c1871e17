/**
 * A fuzzer for what comes out of stores. Its inputs are of a seed, and its generators write right checksums, so that what
 * lies behind them is reached: bytes of strangers, not of accidents.
 */
import assert from 'node:assert/strict'
import { randomFrom } from '../../../conformance/src/random.ts'

/** How many inputs each format gets. */
const INPUTS = 100_000

/** How much processor time one input may take, in ms. */
const MAX_INPUT_MS = 100

/** Draws of one seed. */
export class Draw {
  readonly next: () => number

  constructor(seed: number) {
    this.next = randomFrom(seed)
  }

  /** A whole number from 0, less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** One of some values. */
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  /** A length: mostly small, now and then large. */
  length(most: number): number {
    return this.below(40) ? this.below(20) : this.below(most)
  }

  /** Bytes with a few changes: bits flipped, bytes replaced, cut, put in, copied from elsewhere. */
  changed(bytes: Uint8Array): Buffer {
    let changed = Buffer.from(bytes)
    for (let left = 1 + this.below(3); left > 0; left--) {
      const at = this.below(changed.length + 1)
      const other = this.below(changed.length + 1)
      switch (this.below(5)) {
        case 0:
          if (at < changed.length) changed[at]! ^= 1 << this.below(8)
          break
        case 1:
          if (at < changed.length) changed[at] = this.of([0, 1, 0x7f, 0x80, 0xc0, 0xdd, 0xff, this.below(256)])
          break
        case 2:
          changed = changed.subarray(0, at)
          break
        case 3:
          changed = Buffer.concat([
            changed.subarray(0, at),
            Buffer.alloc(this.below(9), this.below(256)),
            changed.subarray(at),
          ])
          break
        default:
          changed = Buffer.concat([changed.subarray(0, at), changed.subarray(other, other + 40), changed.subarray(at)])
      }
    }
    return changed
  }

  /** A value of any kind that JSON can hold, as text: numbers out of every range, odd lengths, depths. */
  json(): string {
    switch (this.below(6)) {
      case 0:
        return this.of([
          '0',
          '-1',
          '0.5',
          '1e999',
          '-1e999',
          '1e300',
          '9007199254740993',
          '8640000000000001',
          '-0',
          '1764367200000',
        ])
      case 1:
        return JSON.stringify(
          this.of(['a', 'é', '\u0000', '\ud800', '__proto__', '0123456789ab']).repeat(this.length(2000)),
        )
      case 2:
        return this.of(['null', 'true', 'false', '[]', '{}', '""'])
      case 3:
        return `[${Array.from({ length: this.length(60) }, () => this.of(['1', '"a"', '[]', '{"a":1}', 'null'])).join()}]`
      case 4:
        return `{${Array.from({ length: this.length(60) }, (_, i) => `"${this.of(['a', '__proto__', 'constructor', 'toJSON', `${i}`])}":${this.of(['1', '"a"', '[]', '[1]', '{}'])}`).join()}}`
      default: {
        const levels = this.length(3000)
        const [open, close] = this.of([
          ['[', ']'],
          ['{"a":', '}'],
        ] as const)
        return `{"a":[${open.repeat(levels)}1${close.repeat(levels)}]}`
      }
    }
  }
}

/**
 * Gives a reader inputs of a seed. Each call must return, and soon: processor time is what counts, and a slow input is tried
 * again, so that neither a busy machine nor a collection of garbage is taken for a fault.
 */
export function fuzz<Input>(seed: number, make: (draw: Draw) => Input, read: (input: Input) => void): void {
  const draw = new Draw(seed)
  for (let i = 0; i < INPUTS; i++) {
    const input = make(draw)
    for (let tries = 1; ; tries++) {
      const before = process.cpuUsage()
      try {
        read(input)
      } catch (cause) {
        throw new Error(`input ${i} of seed ${seed}: ${String(cause)}`, { cause })
      }
      const { user, system } = process.cpuUsage(before)
      if ((user + system) / 1000 < MAX_INPUT_MS) break
      assert.ok(tries < 5, `input ${i} of seed ${seed} took ${(user + system) / 1000} ms`)
    }
  }
}

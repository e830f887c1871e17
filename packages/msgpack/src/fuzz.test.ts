import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { fuzz, type Draw } from '../../core/test/fuzz.ts'
import { msgpackSerializer } from './index.ts'

const it = msgpackSerializer()
const TIMEOUT_MS = 600_000

const SOUND = [
  { theme: 'dark', cart: [{ qty: 1 }, 'book', null, true], big: 2n ** 70n, when: new Date(1_764_367_200_000) },
  {
    map: new Map<unknown, unknown>([['a', new Set([1, 'é'])]]),
    bytes: new Uint8Array([1, 2, 3]),
    lone: '\ud800',
    x: -1.5,
  },
  { ['__proto__x']: { constructor: [[], {}, [{}]] }, n: 2n ** 62n, m: -5, long: 'é'.repeat(40) },
].map((data) => it.serialize(data))

/** MessagePack by its grammar, with lengths that may lie, tags that may hold anything, and types that are never written. */
function message(draw: Draw, depth = draw.below(8)): Buffer {
  const length = draw.below(12) ? draw.below(4) : draw.of([15, 200, 65_535])
  const token = (...bytes: number[]): Buffer => Buffer.from(bytes)
  const several = (count: number): Buffer[] => Array.from({ length: count }, () => message(draw, depth - 1))
  switch (draw.below(depth > 0 ? 9 : 5)) {
    case 0:
      return token(draw.below(256))
    case 1:
      return Buffer.concat([
        token(0xa0 + (length & 0x1f)),
        Buffer.from(draw.of(['__proto__', 'a', 'é', '\ud800'])).subarray(0, length),
      ])
    case 2:
      return Buffer.concat([
        token(draw.of([0xcb, 0xd3, 0xcf])),
        Buffer.alloc(8, draw.of([0, 0x7f, 0xff, draw.below(256)])),
      ])
    case 3:
      return Buffer.concat([token(0xc4, length & 0xff), Buffer.alloc(draw.below(5))])
    case 4:
      return Buffer.concat([
        token(draw.of([0xd4, 0xd5, 0xc7, 0xc1, 0xd6])),
        Buffer.alloc(draw.below(7), draw.below(256)),
      ])
    case 5:
      return Buffer.concat([token(0x90 + (length & 0x0f)), ...several(draw.below(9) ? length & 0x0f : 1)])
    case 6:
      return Buffer.concat([token(0xdc, length >> 8, length & 0xff), ...several(Math.min(length, 4))])
    case 7:
      return Buffer.concat([token(0x81, draw.below(6)), ...several(1)])
    default:
      return Buffer.concat([
        token(0x80 + (length & 0x0f)),
        ...several(length & 0x0f).flatMap((value) => [
          Buffer.concat([token(0xa1), Buffer.from(draw.of(['a', 'b', 'c']))]),
          value,
        ]),
      ])
  }
}

test(
  'hostile MessagePack is refused, or data that can be written again and comes back equal',
  { timeout: TIMEOUT_MS },
  () => {
    let [read, refused] = [0, 0]
    fuzz(
      21,
      (draw) =>
        draw.below(2) ? draw.changed(draw.of(SOUND)) : Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), message(draw)]),
      (bytes) => {
        let data: unknown
        try {
          data = it.deserialize(bytes)
        } catch (error) {
          assert.ok(error instanceof Error && !(error instanceof RangeError), String(error))
          return void refused++
        }
        read++
        if (
          typeof data === 'object' &&
          data !== null &&
          !Array.isArray(data) &&
          Object.getPrototypeOf(data) === Object.prototype
        )
          assert.deepEqual(it.deserialize(it.serialize(data)), data)
      },
    )
    expect(Math.min(read, refused)).toBeGreaterThan(10_000)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  },
)

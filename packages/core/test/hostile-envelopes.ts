import { encodeEnvelope, type Envelope } from '../src/envelope.ts'
import type { Draw } from './fuzz.ts'

const DIGEST = 'a'.repeat(43)

/** An envelope that core would write, with something in every field. */
export const SOUND: Envelope = {
  marker: false,
  persistent: true,
  createdAt: 1_764_367_200_000,
  authenticatedAt: 1_764_367_200_000,
  absoluteAt: 1_764_410_400_000,
  idleTimeout: 1_800_000,
  digest: DIGEST,
  earlier: [['b'.repeat(43), 0, 1_764_367_260_000]],
  writes: '0123456789abcdef01234567',
  serializer: 'json',
  schemaVersion: 0,
  label: 'a laptop',
  client: { agent: 'Firefox' },
  flash: { notice: ['Saved', { n: 1 }] },
}
const DATA = Buffer.from('{"theme":"dark","cart":[{"qty":1},"book"]}')

/** The body of a payload: an envelope with some of its values, its length, its text or its data changed. */
export function hostileEnvelope(draw: Draw): Uint8Array {
  const body = Buffer.from(encodeEnvelope(SOUND, draw.below(4) ? DATA : Buffer.from(draw.json())))
  if (draw.below(8) === 0) return draw.changed(body)
  const end = 4 + body.readUInt32BE()
  const values = (JSON.parse(body.toString('utf8', 4, end)) as unknown[]).map((value) => JSON.stringify(value))
  for (let left = draw.below(3); left > 0; left--) {
    const at = draw.below(values.length)
    if (draw.below(10)) values[at] = draw.below(3) ? draw.json() : near(draw, values[at]!)
    else values.splice(at, draw.below(2), ...(draw.below(2) ? [draw.json()] : []))
  }
  const json = Buffer.from(`[${values.join()}]`)
  const size = Buffer.alloc(4)
  size.writeUInt32BE(
    draw.below(20) ? json.length : draw.of([0, 1, json.length - 1, json.length + 1, 2 ** 31, 2 ** 32 - 1]),
  )
  return Buffer.concat([size, json, body.subarray(end)])
}

/** A value with one character or element changed: what a check that is loose would let pass. */
function near(draw: Draw, json: string): string {
  const at = draw.below(json.length)
  return (
    json.slice(0, at) +
    draw.of(['', 'é', '9', '-', '"', (json[at] ?? '0').repeat(2), '[', ',']) +
    json.slice(at + draw.below(2))
  )
}

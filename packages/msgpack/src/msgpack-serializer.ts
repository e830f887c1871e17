// Not from 'msgpackr', which loads a native addon where one is installed.
import { Packr, Unpackr } from 'msgpackr/pack'
import { SessError, type Serializer } from '@sess/core'
import { checkOptions } from '@sess/core/adapter'
import { prepare } from './prepare.ts'
import { revive } from './revive.ts'
import { scan } from './scan.ts'

/** What may be inside a Map or a Set. Functions are not; of class instances only the compiler cannot tell. */
export type MsgpackItem =
  | string
  | number
  | boolean
  | null
  | MsgpackLeaf
  | (object & { readonly call?: never; readonly then?: never; readonly exec?: never })

/** What this serializer carries beyond JSON's own types. */
export type MsgpackLeaf = Date | bigint | Uint8Array | Map<MsgpackItem, MsgpackItem> | Set<MsgpackItem>

/** Options of {@link msgpackSerializer}. They hold both ways: a record past them reads as damaged. */
export interface MsgpackOptions {
  /** How deep data may be nested: 1 to 512. Default: 64, as in JSON. */
  readonly maxDepth?: number
  /** How many values one session may hold, those inside others included. Default: 100,000. */
  readonly maxValues?: number
}

const DEEPEST = 512

/**
 * MessagePack, by msgpackr. Carries what JSON does and Date, bigint, Uint8Array, Map, Set and infinities. Refuses what
 * would not come back equal: `undefined` inside objects and arrays, NaN, invalid dates, arrays with holes, functions,
 * symbols, Buffers and other class instances, cycles.
 *
 * Bytes are looked through before msgpackr reads them, and refused unless they are what this serializer writes; so nothing
 * but plain data comes out, and no length makes room for what is not there.
 *
 * @throws {SessError} `invalid_option`, naming the option.
 * @see https://msgpack.org
 */
export function msgpackSerializer(options: MsgpackOptions = {}): Serializer<MsgpackLeaf> {
  checkOptions(options, 'msgpackSerializer()', { maxDepth: true, maxValues: true })
  const { maxDepth = 64, maxValues = 100_000 } = options
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > DEEPEST)
    throw new SessError('invalid_option', `maxDepth must be a whole number from 1 to ${DEEPEST}`)
  if (!Number.isInteger(maxValues) || maxValues < 1)
    throw new SessError('invalid_option', 'maxValues must be a whole number above 0')
  const limits = { maxDepth, maxValues }
  const packr = new Packr({ useRecords: false, variableMapSize: true })
  const objects = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' })
  const maps = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' })
  return Object.freeze({
    name: 'msgpack',
    serialize(value: object): Uint8Array {
      // A copy: msgpackr's own buffer holds other sessions, too.
      return new Uint8Array(packr.pack(prepare(value, limits)))
    },
    deserialize(bytes: Uint8Array): unknown {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return scan(buffer, limits) ? (objects.unpack(buffer) as unknown) : revive(maps.unpack(buffer))
    },
  })
}

// Not from 'msgpackr', which loads a native addon if one is installed.
import { Packr, Unpackr } from 'msgpackr/pack'
import { SessError, type Serializer } from '@sess/core'
import { checkOptions } from '@sess/core/adapter'
import { prepare } from './prepare.ts'
import { revive } from './revive.ts'
import { scan } from './scan.ts'

/** A value in a Map or a Set. The type excludes functions; the compiler cannot exclude all class instances. */
export type MsgpackItem =
  | string
  | number
  | boolean
  | null
  | MsgpackLeaf
  | (object & { readonly call?: never; readonly then?: never; readonly exec?: never })

/** The types that this serializer carries beyond those of JSON. */
export type MsgpackLeaf = Date | bigint | Uint8Array | Map<MsgpackItem, MsgpackItem> | Set<MsgpackItem>

/** Options of {@link msgpackSerializer}. They limit writes and reads: a stored record beyond a limit counts as damaged. */
export interface MsgpackOptions {
  /** How many levels deep data may be nested: 1 to 512. Default: 64, as in JSON. */
  readonly maxDepth?: number
  /** How many values one session may hold, nested values included. Default: 100,000. */
  readonly maxValues?: number
}

const DEEPEST = 512

/**
 * Makes a serializer that writes MessagePack, by msgpackr. It carries the types of JSON, and Date, bigint, Uint8Array, Map, Set and
 * infinities. It refuses values that would not come back equal: `undefined` inside objects and arrays, NaN, invalid dates, arrays with
 * holes, functions, symbols, Buffers and other class instances, and cycles.
 *
 * It checks bytes before msgpackr reads them, and refuses bytes that this serializer would not write. So reading returns plain data only,
 * and a wrong length allocates no memory.
 *
 * @throws {SessError} `invalid_option`; the message names the option.
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
      // A copy, since msgpackr reuses its buffer for other sessions.
      return new Uint8Array(packr.pack(prepare(value, limits)))
    },
    deserialize(bytes: Uint8Array): unknown {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return scan(buffer, limits) ? (objects.unpack(buffer) as unknown) : revive(maps.unpack(buffer))
    },
  })
}

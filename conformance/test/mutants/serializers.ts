import { jsonSerializer, SessError, type Serializer } from '@sess/core'
import { from, type SerializerMutant } from './mutant.ts'

const json = (name: string, killedBy: readonly string[], own: Partial<Serializer>): SerializerMutant => ({
  name,
  killedBy,
  serializer: { ...jsonSerializer, ...own },
})

const plain = (value: object): Uint8Array => Buffer.from(JSON.stringify(value))
const read = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString())
/** Takes what JSON can carry alone, and names a path. */
const checked = (value: object): object => {
  jsonSerializer.serialize(value)
  return value
}

/** Changes each value on its way. */
function mapped(value: unknown, change: (value: unknown, key: string) => unknown, key = ''): unknown {
  const next = change(value, key)
  if (Array.isArray(next)) return next.map((item, i) => mapped(item, change, String(i)))
  if (typeof next !== 'object' || next === null) return next
  const result: Record<string, unknown> = {}
  for (const name of Object.keys(next)) result[name] = mapped((next as Record<string, unknown>)[name], change, name)
  return result
}

/** How many levels a value has. */
function depthOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0
}

/** Without lists and objects that hold nothing. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kept = Object.entries(value).filter(
    ([, item]) => typeof item !== 'object' || Object.keys(item ?? { a: 1 }).length,
  )
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutEmpty(item)]))
}

type Bag = Record<string, unknown>

const isBag = (value: unknown): value is Bag =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

/** A deep merge that minds no key. What it does to all objects of this process is undone after the case. */
function merged(target: Bag, source: Bag): Bag {
  for (const key of Object.keys(source)) {
    const [old, item] = [target[key], source[key]]
    if (isBag(old) && isBag(item)) merged(old, item)
    else target[key] = item
    if (target === Object.prototype) setImmediate(() => delete target[key])
  }
  return target
}

/** Serializers that bring back something else, or take what they should refuse. */
export const serializers: readonly SerializerMutant[] = [
  json(
    'it drops what JSON drops',
    ['serialization/refuses', 'serialization/refuses-or-keeps', 'serialization/back-or-refused'],
    { serialize: plain, deserialize: read },
  ),
  json('NaN becomes null', ['serialization/refuses-or-keeps'], {
    serialize: (value) => plain(checked(mapped(value, (item) => (Number.isNaN(item) ? null : item)) as object)),
  }),
  json('undefined is left out', ['serialization/refuses-or-keeps', 'serialization/back-or-refused'], {
    serialize: (value) =>
      plain(
        checked(
          JSON.parse(
            JSON.stringify(value, (_, item: unknown) => (typeof item === 'function' ? refuse() : item)),
          ) as object,
        ),
      ),
  }),
  json('its refusals name no path', ['serialization/refuses'], {
    serialize(value) {
      try {
        return jsonSerializer.serialize(value)
      } catch {
        throw new SessError('unserializable', 'the data holds something that cannot be stored')
      }
    },
  }),
  json('its refusals are no typed errors', ['serialization/refuses', 'serialization/refuses-or-keeps'], {
    serialize(value) {
      try {
        return jsonSerializer.serialize(value)
      } catch (error) {
        throw new TypeError((error as Error).message, { cause: error })
      }
    },
  }),
  json('a cycle overflows the stack', ['serialization/refuses'], {
    serialize: (value) => (mapped(value, (item) => item), jsonSerializer.serialize(value)),
  }),
  json('numbers lose their last digits', ['serialization/numbers', 'serialization/agrees-with-json'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        mapped(value, (item) => (typeof item === 'number' ? Math.fround(item) : item)) as object,
      ),
  }),
  json('whole numbers have 32 bits', ['serialization/numbers'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        mapped(value, (item) => (Number.isInteger(item) ? (item as number) | 0 : item)) as object,
      ),
  }),
  json('text is Latin-1', ['serialization/unicode'], {
    serialize: (value) => Buffer.from(JSON.stringify(checked(value)), 'latin1'),
    deserialize: (bytes) => JSON.parse(Buffer.from(bytes).toString('latin1')) as unknown,
  }),
  json('lone surrogates are replaced', ['serialization/unicode'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        mapped(value, (item) => (typeof item === 'string' ? item.toWellFormed() : item)) as object,
      ),
  }),
  json('text ends at its first NUL', ['serialization/unicode'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        mapped(value, (item) => (typeof item === 'string' ? item.split('\0')[0] : item)) as object,
      ),
  }),
  json('keys are sorted', ['serialization/shapes'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        Object.fromEntries(Object.entries(checked(value)).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ),
  }),
  from(
    '`omitBy(data, isEmpty)`, to keep records small',
    json('what is empty is left out', ['serialization/agrees-with-json'], {
      serialize: (value) => jsonSerializer.serialize(withoutEmpty(checked(value)) as object),
    }),
  ),
  from(
    'a limit against abuse that cuts, where it should refuse',
    json('a list ends after 5,000 items', ['serialization/deep-and-wide'], {
      serialize: (value) =>
        jsonSerializer.serialize(mapped(value, (item) => (Array.isArray(item) ? item.slice(0, 5000) : item)) as object),
    }),
  ),
  from(
    'a limit for what comes from strangers, and nobody’s data is so deep',
    json('twenty levels are the deepest', ['serialization/deep-and-wide'], {
      serialize(value) {
        if (depthOf(checked(value)) > 20) throw new SessError('unserializable', 'data is nested too deep')
        return jsonSerializer.serialize(value)
      },
    }),
  ),
  json('keys are assigned as they come', ['serialization/inert-names'], {
    deserialize: (bytes) => mapped(jsonSerializer.deserialize(bytes), (item) => item),
  }),
  json('objects come back without a prototype', ['serialization/inert-names'], {
    deserialize: (bytes) => Object.assign(Object.create(null) as object, jsonSerializer.deserialize(bytes)),
  }),
  from(
    'a merge of one’s own into `{}`, that follows whatever is there',
    json('what is read is merged into a plain object', ['serialization/inert-names'], {
      deserialize: (bytes) => merged({}, jsonSerializer.deserialize(bytes) as Bag),
    }),
  ),
  json('toJSON is asked', ['serialization/refuses-or-keeps', 'serialization/refuses'], {
    serialize: (value) => plain(checked(JSON.parse(JSON.stringify(value)) as object)),
  }),
  json(
    'its bytes are those of the last call',
    ['serialization/own-bytes'],
    (() => {
      const shared = Buffer.alloc(4_000_000)
      return {
        serialize(value: object) {
          const bytes = jsonSerializer.serialize(value)
          shared.set(bytes)
          return shared.subarray(0, bytes.length)
        },
      }
    })(),
  ),
  from(
    '`decoder.decode(bytes.buffer)`, which works for whatever `TextEncoder` gave',
    json('it reads all of a buffer that it is given a view of', ['serialization/views-of-bytes'], {
      serialize: (value) => new TextEncoder().encode(JSON.stringify(checked(value))),
      deserialize: (bytes) => jsonSerializer.deserialize(new Uint8Array(bytes.buffer)),
    }),
  ),
  from(
    '`catch { return {} }`: a session that cannot be read is a new one',
    json('bytes that it cannot read are an empty object', ['serialization/bombs'], {
      deserialize(bytes) {
        try {
          return jsonSerializer.deserialize(bytes)
        } catch {
          return {}
        }
      },
    }),
  ),
  json('bytes that it cannot read throw text', ['serialization/hostile', 'serialization/any-bytes'], {
    deserialize(bytes) {
      try {
        return jsonSerializer.deserialize(bytes)
      } catch (error) {
        throw String(error)
      }
    },
  }),
  json('it has no name', ['serialization/name'], { name: '' }),
  json('its name is longer than a record keeps', ['serialization/name'], {
    name: 'a serializer of a very long name indeed',
  }),
]

function refuse(): never {
  throw new SessError('unserializable', 'data holds a function')
}

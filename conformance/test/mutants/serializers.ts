import { jsonSerializer, SessError, type Serializer } from '@sess/core'
import type { SerializerMutant } from './mutant.ts'

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
  json('an empty list is left out', ['serialization/shapes', 'serialization/agrees-with-json'], {
    serialize: (value) =>
      jsonSerializer.serialize(
        Object.fromEntries(Object.entries(checked(value)).filter(([, item]) => !(Array.isArray(item) && !item.length))),
      ),
    deserialize: (bytes) =>
      mapped(jsonSerializer.deserialize(bytes), (item) => (Array.isArray(item) && item.length === 0 ? null : item)),
  }),
  json('a list ends after 5,000 items', ['serialization/deep-and-wide'], {
    serialize: (value) =>
      jsonSerializer.serialize(mapped(value, (item) => (Array.isArray(item) ? item.slice(0, 5000) : item)) as object),
  }),
  json('twenty levels are the deepest', ['serialization/deep-and-wide'], {
    serialize(value) {
      if (/[[{]{1}(?:[^[{\]}]*[[{]){20}/.test(JSON.stringify(checked(value)).replaceAll(/"(?:[^"\\]|\\.)*"/g, '')))
        throw new SessError('unserializable', 'data is nested too deep')
      return jsonSerializer.serialize(value)
    },
  }),
  json('keys are assigned as they come', ['serialization/inert-names'], {
    deserialize: (bytes) => mapped(jsonSerializer.deserialize(bytes), (item) => item),
  }),
  json('objects come back without a prototype', ['serialization/inert-names'], {
    deserialize: (bytes) => Object.assign(Object.create(null) as object, jsonSerializer.deserialize(bytes)),
  }),
  json('constructors are merged into', ['serialization/inert-names'], {
    deserialize(bytes) {
      const value = jsonSerializer.deserialize(bytes) as { constructor?: { prototype?: object } }
      const evil = Object.hasOwn(value, 'constructor') ? value.constructor?.prototype : undefined
      if (evil) Object.assign(Object.getPrototypeOf({}) as object, { polluted: 1 })
      setImmediate(() => delete (Object.prototype as { polluted?: unknown }).polluted)
      return value
    },
  }),
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
  json('it reads all of a buffer that it is given a view of', ['serialization/views-of-bytes'], {
    deserialize: (bytes) =>
      jsonSerializer.deserialize(bytes.buffer.byteLength < 8192 ? new Uint8Array(bytes.buffer) : bytes),
  }),
  json('deep bytes are no trouble to it', ['serialization/bombs'], {
    deserialize: (bytes) => {
      const text = Buffer.from(bytes).toString('latin1')
      return /^(?:\[|\{"a":|\x91){1000}/.test(text) ? {} : jsonSerializer.deserialize(bytes)
    },
  }),
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

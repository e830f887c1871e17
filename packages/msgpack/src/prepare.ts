import { SessError } from '@sess/core'
import { Tag, type Limits } from './tags.ts'

const INT64 = 2n ** 63n

/**
 * Turns session data into values for which msgpackr has only one encoding: maps with text as keys, arrays, tags and scalars. It refuses
 * values that would not come back equal.
 *
 * @throws {SessError} `unserializable`; the message names the path.
 */
export function prepare(data: object, { maxDepth, maxValues }: Limits): unknown {
  let values = 0

  function prepared(value: unknown, path: string, depth: number): unknown {
    if (++values > maxValues)
      throw refusal(path, `is past the ${maxValues} values that one session may hold (maxValues)`)
    switch (typeof value) {
      case 'boolean':
        return value
      case 'string':
        return value.isWellFormed() ? value : new Map([[Tag.text, utf16(value)]])
      case 'number':
        if (Number.isNaN(value)) break
        return value
      case 'bigint':
        if (value >= -INT64 && value < INT64) return value
        return new Map([[Tag.bigint, value < 0n ? `-${(-value).toString(16)}` : value.toString(16)]])
      case 'object':
        if (value === null) return null
        if (depth === 0) throw refusal(path, `is nested deeper than ${maxDepth} levels, or holds itself`)
        return instance(value, path, depth - 1)
      default:
    }
    throw refusal(path, `is ${described(value)}, which this serializer cannot bring back equal`)
  }

  function instance(value: object, path: string, depth: number): unknown {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      if (Object.getOwnPropertySymbols(value).length === 0) return fields(value, path, depth)
    } else if (Array.isArray(value) && prototype === Array.prototype) {
      if (Object.keys(value).length === value.length)
        return value.map((item, i) => prepared(item, `${path}[${i}]`, depth))
      throw refusal(path, 'is an array with holes or with additional keys, which would be lost')
    } else if (prototype === Uint8Array.prototype) {
      return value
    } else if (Object.keys(value).length === 0) {
      if (prototype === Date.prototype && !Number.isNaN((value as Date).getTime()))
        return new Map([[Tag.date, (value as Date).getTime()]])
      if (prototype === Map.prototype) return new Map([[Tag.map, entries(value as Map<unknown, unknown>, path, depth)]])
      if (prototype === Set.prototype) return new Map([[Tag.set, items(value as Set<unknown>, path, depth)]])
    }
    throw refusal(path, `is ${described(value)}, which this serializer cannot bring back equal`)
  }

  function fields(value: object, path: string, depth: number): Map<string, unknown> {
    const map = new Map<string, unknown>()
    for (const [key, field] of Object.entries(value)) {
      const at = `${path}${/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`}`
      if (!key.isWellFormed()) throw refusal(at, 'has a lone surrogate in its key, which UTF-8 cannot hold')
      map.set(key, prepared(field, at, depth))
    }
    return map
  }

  function entries(map: Map<unknown, unknown>, path: string, depth: number): unknown[] {
    const list: unknown[] = []
    for (const [key, value] of map) {
      list.push(prepared(key, `${path}.keys()[${list.length / 2}]`, depth))
      list.push(prepared(value, `${path}.values()[${(list.length - 1) / 2}]`, depth))
    }
    return list
  }

  function items(set: Set<unknown>, path: string, depth: number): unknown[] {
    return [...set].map((item, i) => prepared(item, `${path}.values()[${i}]`, depth))
  }

  return prepared(data, 'data', maxDepth)
}

function utf16(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf16le'))
}

function described(value: unknown): string {
  const type = typeof value
  if (type === 'number' || type === 'undefined') return String(value)
  if (type !== 'object') return `a ${type}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date of another kind'
  if (Buffer.isBuffer(value)) return 'a Buffer, and would come back as a Uint8Array (give new Uint8Array(buffer))'
  return `not a plain value (${value!.constructor?.name})`
}

function refusal(path: string, what: string): SessError {
  return new SessError('unserializable', `${path} ${what}; nothing was written`)
}

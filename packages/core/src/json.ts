import { isPlain } from './data.ts'
import { SessError } from './error.ts'
import type { Serializer } from './serializer.ts'

const DEEPEST = 64

/**
 * JSON. Refuses what JSON would drop or change: `undefined` inside objects and arrays, NaN and infinities, dates, maps,
 * bigints, functions, class instances, cycles, and anything nested deeper than 64 levels.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export const jsonSerializer: Serializer = Object.freeze({
  name: 'json',
  serialize(value: object): Uint8Array {
    check(value, 'data', DEEPEST)
    return Buffer.from(JSON.stringify(value))
  },
  deserialize(bytes: Uint8Array): unknown {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
    check(value, 'data', DEEPEST)
    return value
  },
})

function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (Number.isFinite(value)) return
      break
    case 'object':
      if (value === null) return
      if (depth === 0) throw refusal(path, `is nested deeper than ${DEEPEST} levels, or holds itself`)
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth - 1)
        if (Object.keys(value).length === value.length) return
      } else if (
        isPlain(value) &&
        typeof value['toJSON'] !== 'function' &&
        Object.getOwnPropertySymbols(value).length === 0
      ) {
        for (const key of Object.keys(value))
          check(
            value[key],
            /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`,
            depth - 1,
          )
        return
      }
      break
    default:
  }
  throw refusal(path, `is ${described(value)}, which JSON cannot bring back equal`)
}

function described(value: unknown): string {
  const type = typeof value
  if (type !== 'object') return type === 'number' || type === 'undefined' ? String(value) : `a ${type}`
  return `not a plain one (${value!.constructor?.name})`
}

function refusal(path: string, what: string): SessError {
  return new SessError('unserializable', `${path} ${what}; nothing was written`)
}

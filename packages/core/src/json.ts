import { isPlain } from './data.ts'
import { asBuffer } from './envelope.ts'
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
    checkJson(value, 'data')
    return Buffer.from(JSON.stringify(value))
  },
  deserialize(bytes: Uint8Array): unknown {
    const value: unknown = JSON.parse(asBuffer(bytes).toString())
    checkJson(value, 'data')
    return value
  },
})

/** Refuses what JSON cannot bring back equal. @throws {SessError} `unserializable`, naming the path. */
export function checkJson(value: unknown, path: string, depth: number = DEEPEST): void {
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
        for (let i = 0; i < value.length; i++) checkJson(value[i], `${path}[${i}]`, depth - 1)
        if (Object.keys(value).length === value.length) return
      } else if (
        isPlain(value) &&
        typeof value['toJSON'] !== 'function' &&
        Object.getOwnPropertySymbols(value).length === 0
      ) {
        for (const key of Object.keys(value))
          checkJson(
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

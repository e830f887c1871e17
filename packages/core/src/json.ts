import { asBuffer } from './bytes.ts'
import { DEEPEST, isPlain, MOST_VALUES, type Budget } from './data.ts'
import { SessError } from './error.ts'
import type { Serializer } from './serializer.ts'

/**
 * The JSON serializer, the default. It refuses every value that JSON would drop or change: `undefined` inside objects and arrays, NaN
 * and infinities, dates, maps, bigints, functions, class instances and cycles; also data that is nested deeper than 64 levels or
 * has more than a million values.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export const jsonSerializer: Serializer = jsonOf(DEEPEST, DEEPEST)

/** A JSON serializer with other limits: how many levels it writes, and how many it reads. */
export function jsonOf(written: number, read: number): Serializer {
  return Object.freeze({
    name: 'json',
    serialize(value: object): Uint8Array {
      checkJson(value, 'data', written)
      return Buffer.from(JSON.stringify(value))
    },
    deserialize(bytes: Uint8Array): unknown {
      const value: unknown = JSON.parse(asBuffer(bytes).toString())
      checkJson(value, 'data', read)
      return value
    },
  })
}

/** Refuses a value that JSON cannot bring back equal. @throws {SessError} `unserializable`; the message names the path. */
export function checkJson(value: unknown, path: string, levels: number = DEEPEST): void {
  const flaw = flawIn(value, levels, levels, { left: MOST_VALUES })
  if (flaw) throw new SessError('unserializable', `${path}${flaw}; nothing was written`)
}

/** The path to the first value that JSON cannot hold, and what is wrong with it. Undefined: nothing is wrong. */
function flawIn(value: unknown, depth: number, levels: number, budget: Budget): string | undefined {
  if (budget.left-- === 0) return ` is past the ${MOST_VALUES} values that one session may hold`
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      if (Number.isFinite(value)) return undefined
      break
    case 'object':
      if (value === null) return undefined
      if (depth === 0) return ` is nested deeper than ${levels} levels, or holds itself`
      if (Array.isArray(value)) {
        for (let i = 0; i < value.length; i++) {
          const flaw = flawIn(value[i], depth - 1, levels, budget)
          if (flaw) return `[${i}]${flaw}`
        }
        if (Object.keys(value).length === value.length) return undefined
      } else if (
        isPlain(value) &&
        typeof value['toJSON'] !== 'function' &&
        Object.getOwnPropertySymbols(value).length === 0
      ) {
        for (const key of Object.keys(value)) {
          const flaw = flawIn(value[key], depth - 1, levels, budget)
          if (flaw) return `${/^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`}${flaw}`
        }
        return undefined
      }
      break
    default:
  }
  return ` is ${described(value)}, which JSON cannot bring back equal`
}

function described(value: unknown): string {
  const type = typeof value
  if (type !== 'object') return type === 'number' || type === 'undefined' ? String(value) : `a ${type}`
  return `not a plain object or array (${value!.constructor?.name})`
}

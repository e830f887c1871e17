import { isMap, isUint8Array } from 'node:util/types'
import { Tag } from './tags.ts'

/** Turns the result of msgpackr into session data: tags become values, other maps become plain objects. */
export function revive(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i])
    return value
  }
  // A copy, since it is a Buffer that shares its memory.
  if (isUint8Array(value)) return new Uint8Array(value)
  if (!isMap(value)) return value
  const object: Record<string, unknown> = {}
  for (const [key, field] of value) {
    if (typeof key !== 'string') return tagged(key, field)
    if (key === '__proto__')
      Object.defineProperty(object, key, { value: revive(field), writable: true, enumerable: true, configurable: true })
    else object[key] = revive(field)
  }
  return object
}

function tagged(tag: unknown, held: unknown): unknown {
  if (tag === Tag.date && typeof held === 'number') {
    const date = new Date(held)
    if (date.getTime() === held) return date
  } else if (tag === Tag.bigint && typeof held === 'string') {
    if (/^-?[\da-f]+$/.test(held)) return held.startsWith('-') ? -BigInt(`0x${held.slice(1)}`) : BigInt(`0x${held}`)
  } else if (tag === Tag.map && Array.isArray(held)) {
    const map = new Map<unknown, unknown>()
    if (held.length % 2 === 0) {
      for (let i = 0; i < held.length; i += 2) map.set(revive(held[i]), revive(held[i + 1]))
      return map
    }
  } else if (tag === Tag.set && Array.isArray(held)) {
    return new Set(held.map(revive))
  } else if (tag === Tag.text && isUint8Array(held) && held.length % 2 === 0) {
    return Buffer.from(held).toString('utf16le')
  }
  throw new Error('a tag holds what it never does')
}

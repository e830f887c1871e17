import { isDeepStrictEqual, types } from 'node:util'

/** A plain object: session data, and the result of a serializer. */
export type Plain = Record<string, unknown>

/** True for an object literal, or for an object without a prototype. */
export function isPlain(value: unknown): value is Plain {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || isPlainPrototype(prototype as object)
}

/**
 * True for `Object.prototype` of another realm, which results of `fetch` and `structuredClone` have in Jest; and for an empty
 * prototype, which `querystring` and `cookie` use for speed.
 */
function isPlainPrototype(prototype: object): boolean {
  if (Object.getPrototypeOf(prototype) !== null) return false
  return Reflect.ownKeys(prototype).length === 0 || nameOf(prototype) === 'Object'
}

/** The name of the class whose prototype this is. */
function nameOf(prototype: object | null): unknown {
  return prototype && Object.hasOwn(prototype, 'constructor') ? prototype.constructor?.name : undefined
}

/** How many levels JSON and a flash message may be nested. */
export const DEEPEST = 64

/**
 * How many values a session may hold, nested values included. An object that is referenced twice counts twice, because it is written
 * twice: a few objects that share others could otherwise expand to more than the memory holds.
 */
export const MOST_VALUES = 1_000_000

/** How many values a walk over data may still visit. */
export interface Budget {
  left: number
}

/**
 * True if arrays, objects, Maps and Sets are nested in more than `levels` levels, or hold more than {@link MOST_VALUES} values in
 * all. The walk stops at these limits.
 */
export function isLarger(value: unknown, levels: number, budget: Budget = { left: MOST_VALUES }): boolean {
  if (budget.left-- === 0) return true
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (levels === 0) return true
  const items = types.isMap(value)
    ? [...value.keys(), ...value.values()]
    : Array.isArray(value) || types.isSet(value)
      ? value
      : Object.values(value)
  for (const item of items) if (isLarger(item, levels - 1, budget)) return true
  return false
}

/** Sets an own property of any name, `__proto__` included. A value of undefined deletes the property. */
export function put(target: Plain, key: string, value: unknown): void {
  if (value === undefined) delete target[key]
  else define(target, key, value)
}

/** Reads an own property; undefined for an inherited one. */
export function get(source: Plain, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined
}

/** How many levels are copied. The codec refuses data that is nested deeper. */
const DEEPEST_COPY = 1000

/**
 * Makes a deep copy of arrays and plain objects, in this realm, without keys whose value is undefined. It also copies dates, byte
 * arrays, maps and sets, and returns instances of other classes as they are. If data holds itself, or more than a session may hold,
 * a part is not copied; the codec then refuses it.
 */
export function copy<T>(value: T): T
export function copy(value: unknown): unknown {
  return copied(value, DEEPEST_COPY, { left: MOST_VALUES })
}

function copied(value: unknown, levels: number, budget: Budget): unknown {
  if (budget.left-- <= 0 || typeof value !== 'object' || value === null) return value
  // The codec will refuse the data. Stop here: in data that holds itself, the walk would not end.
  if (levels === 0) return ((budget.left = 0), value)
  const each = (item: unknown): unknown => copied(item, levels - 1, budget)
  // Not `value.map`, which would make an array of the other realm.
  if (Array.isArray(value)) return Array.from(value as unknown[], each)
  if (isPlain(value)) return changed(value, [], each)
  // An instance of another class, or with additional fields, is not copied; the serializer refuses it.
  const name = nameOf(Object.getPrototypeOf(value) as object | null)
  if (types.isUint8Array(value)) return name === 'Uint8Array' ? new Uint8Array(value) : value
  if (Object.keys(value).length > 0) return value
  if (types.isDate(value)) return name === 'Date' ? new Date(Number(value)) : value
  if (types.isMap(value))
    return name === 'Map' ? new Map([...value].map(([key, item]) => [each(key), each(item)])) : value
  if (types.isSet(value)) return name === 'Set' ? new Set([...value].map(each)) : value
  return value
}

/** Deep equality of the copies of both values: keys whose value is undefined do not count, and neither do realms. */
export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return isDeepStrictEqual(a, b) || isDeepStrictEqual(copy(a), copy(b))
}

/** The top-level changes from `before` to `after`: for each key a copy of the new value, or undefined for a deletion. */
export function changesBetween(before: Plain, after: Plain): Map<string, unknown> {
  const changes = new Map<string, unknown>()
  for (const key of keysOf(before, after)) {
    const value = get(after, key)
    if (!equal(get(before, key), value)) changes.set(key, copy(value))
  }
  return changes
}

/** True if the value of any top-level key differs. */
export function differ(before: Plain, after: Plain): boolean {
  for (const key of Object.keys(after)) if (!equal(get(before, key), after[key])) return true
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key) && before[key] !== undefined) return true
  return false
}

/** A new object: `source` with the changes applied. */
export function changed(
  source: Plain,
  changes: Iterable<[string, unknown]>,
  each?: (value: unknown) => unknown,
): Plain {
  const result: Plain = {}
  for (const key of Object.keys(source)) {
    const value = each ? each(source[key]) : source[key]
    if (value !== undefined) define(result, key, value)
  }
  for (const [key, value] of changes) put(result, key, value)
  return result
}

/** The keys of either object, each once. */
export function keysOf(a: Plain, b: Plain): string[] {
  const keys = Object.keys(a)
  for (const key of Object.keys(b)) if (!Object.hasOwn(a, key)) keys.push(key)
  return keys
}

function define(target: Plain, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
}

/** A plain object: session data, and what a serializer brings back. */
export type Plain = Record<string, unknown>

/** What a request did to the top-level keys: a value, or undefined for a deletion. */
export type Changes = ReadonlyMap<string, unknown>

/** True for an object literal, or one without a prototype. */
export function isPlain(value: unknown): value is Plain {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Sets an own property, whatever its name: `__proto__` is data here. Undefined deletes. */
export function put(target: Plain, key: string, value: unknown): void {
  if (value === undefined) delete target[key]
  else if (key === '__proto__')
    Object.defineProperty(target, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  else target[key] = value
}

/** Reads an own property; undefined for an inherited one. */
export function get(source: Plain, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined
}

/** A deep copy of plain data, dates, maps, sets and bytes. Anything else is kept as it is, for the serializer to refuse. */
export function copy<T>(value: T): T
export function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => copy(item as unknown))
  if (isPlain(value)) {
    const result: Plain = {}
    for (const key of Object.keys(value)) put(result, key, copy(value[key]))
    return result
  }
  if (value instanceof Date) return new Date(value)
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, item]) => [copy(key as unknown), copy(item as unknown)]))
  if (value instanceof Set) return new Set(Array.from(value, (item) => copy(item as unknown)))
  return value instanceof Uint8Array ? value.slice() : value
}

/** Deep equality of what {@link copy} copies; anything else is equal to itself alone. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b)
  if (isPlain(a)) {
    if (!isPlain(b)) return false
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  }
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Map) return b instanceof Map && sameItems([...a], [...b])
  if (a instanceof Set) return b instanceof Set && sameItems([...a], [...b])
  return a instanceof Uint8Array && b instanceof Uint8Array && sameItems(a, b)
}

/** What turns `before` into `after`, by top-level key. The values are copies. */
export function changesBetween(before: Plain, after: Plain): Map<string, unknown> {
  const changes = new Map<string, unknown>()
  for (const key of Object.keys(after)) if (!equal(get(before, key), after[key])) changes.set(key, copy(after[key]))
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) changes.set(key, undefined)
  return changes
}

/** The object with the changes made, as a shallow copy. */
export function changed(source: Plain, changes: Changes): Plain {
  const result: Plain = {}
  for (const key of Object.keys(source)) put(result, key, source[key])
  for (const [key, value] of changes) put(result, key, value)
  return result
}

function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!equal(a[i], b[i])) return false
  return true
}

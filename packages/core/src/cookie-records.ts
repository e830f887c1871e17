import type { DecodedRecord } from './codec.ts'
import type { Context } from './context.ts'
import { SessError } from './error.ts'
import { handleOf, parseToken, type Token } from './token.ts'

/** How many cookies of one name are tried. Each costs a read. */
const MOST_COOKIES = 4

/** A parsed cookie value, and the record under its key. */
export interface Found {
  readonly token: Token
  readonly held: DecodedRecord
}

/**
 * Reads the records of several cookie values, four at most, all within one `storeTimeout`.
 *
 * @throws {SessError} `store_unavailable`.
 */
export async function recordsOfCookies(context: Context, values: readonly string[]): Promise<readonly Found[]> {
  const { events, settings } = context
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = new Error(
        `the cookies of the request were not all read within ${settings.storeTimeout} ms (storeTimeout)`,
      )
      const error = new SessError('store_unavailable', 'the session store was too slow; nothing was written', { cause })
      events.emit('error', { code: error.code, operation: 'read', error })
      reject(error)
    }, settings.storeTimeout)
  })
  try {
    return await Promise.race([readAll(context, values.slice(0, MOST_COOKIES)), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Reads one after the other, each key once. */
async function readAll(context: Context, values: readonly string[]): Promise<Found[]> {
  const read = new Map<string, DecodedRecord | undefined>()
  const found: Found[] = []
  for (const value of values) {
    const token = parseToken(value)
    if (!token) {
      context.events.emit('rejected', { reason: 'malformed' })
      continue
    }
    const handle = handleOf(token.key)
    if (!read.has(handle)) read.set(handle, await context.read(token.key, false))
    const held = read.get(handle)
    if (held) found.push({ token, held })
  }
  return found
}

import type { AddressInfo } from 'node:net'
import { answerMeasurements } from './profiled.ts'

/** What a route knows of its session. */
export interface Small {
  user?: string
  theme?: string
  n?: number
}

/**
 * The routes that every contestant has, whatever its framework: `/start` makes a session, `/read` reads it, `/write` changes one
 * number, `/untouched` does not look at it.
 */
export const ROUTES: Readonly<Record<string, (data: () => Small) => object>> = {
  '/start': (data) => {
    Object.assign(data(), { user: 'ann', theme: 'dark', n: 0 })
    return {}
  },
  '/read': (data) => {
    const { user, n } = data()
    return { user, n }
  },
  '/write': (data) => {
    data().n = Math.random()
    return {}
  },
  '/untouched': () => ({ user: 'ann', n: 0 }),
}

/** What a contestant without sessions answers with. */
export const SAME: Small = { user: 'ann', n: 0 }

/** Tells the process that started this one where it listens, and answers it until it ends. */
export function listening(address: AddressInfo | string | null): void {
  process.send!(typeof address === 'object' ? address!.port : undefined)
  answerMeasurements()
  process.once('disconnect', () => process.exit())
  process.once('SIGTERM', () => process.exit())
}

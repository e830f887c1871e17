import type { Sessions } from '@sess/core'

/** What a session of the demo holds. */
export interface DemoData {
  /** How many of each thing are in the basket. Visitors can fill it before and after the sign-in. */
  basket: Record<string, number>
  /** True while the visitor acts as an administrator. */
  administrator: true
  /** Each note has its own top-level key, so that parallel requests that write different notes do not conflict. */
  [note: `note:${string}`]: string
}

export type DemoSessions = Sessions<Partial<DemoData>>

declare module '@sess/express' {
  interface Register {
    sessions: DemoSessions
  }
}

/** The notes by title. */
export function notesOf(data: Readonly<Record<string, unknown>>): Record<string, string> {
  const notes = Object.entries(data).flatMap(([key, value]) =>
    key.startsWith('note:') ? [[key.slice(5), String(value)]] : [],
  )
  return Object.fromEntries(notes) as Record<string, string>
}

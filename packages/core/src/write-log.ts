import { WRITE_ID } from './token.ts'

/** How many of its last writes a record remembers. */
export const LOGGED_WRITES = 8

/** The part of an envelope that remembers writes. */
export interface WriteLog {
  /** The IDs of the logical writes that made the last revisions, oldest first, at most {@link LOGGED_WRITES}, in one text. */
  readonly writes: string
}

/** The writes of a record, and a further one. */
export function writesWith({ writes }: WriteLog, id: string): string {
  return (writes + id).slice(-LOGGED_WRITES * WRITE_ID)
}

/** True if a record remembers a write. */
export function remembers({ writes }: WriteLog, id: string): boolean {
  return writes.indexOf(id) % WRITE_ID === 0
}

/** The oldest revision whose write a record remembers. */
export function rememberedFrom({ writes }: WriteLog, revision: number): number {
  return revision + 1 - writes.length / WRITE_ID
}

/** True for text that can be the IDs of some writes. */
export function isWriteLog(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LOGGED_WRITES * WRITE_ID && value.length % WRITE_ID === 0
}

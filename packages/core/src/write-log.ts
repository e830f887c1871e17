import { WRITE_ID } from './token.ts'

/** How many of its last writes a record lists in its write log. */
export const LOGGED_WRITES = 8

/** The write log of an envelope. */
export interface WriteLog {
  /** The IDs of the last logical writes, oldest first, at most {@link LOGGED_WRITES}, joined to one text. */
  readonly writes: string
}

/** The write log with a further write. */
export function writesWith({ writes }: WriteLog, id: string): string {
  return (writes + id).slice(-LOGGED_WRITES * WRITE_ID)
}

/** True if the write log contains a write. */
export function remembers({ writes }: WriteLog, id: string): boolean {
  return writes.indexOf(id) % WRITE_ID === 0
}

/** The oldest revision whose write is in the log. */
export function rememberedFrom({ writes }: WriteLog, revision: number): number {
  return revision + 1 - writes.length / WRITE_ID
}

/** True for text that can be a write log. */
export function isWriteLog(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LOGGED_WRITES * WRITE_ID && value.length % WRITE_ID === 0
}

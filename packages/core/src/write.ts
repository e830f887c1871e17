import type { Content } from './codec.ts'
import type { SignIn } from './sign-in.ts'
import { newWriteId } from './token.ts'

/** One logical write. It is applied once, even if answers are lost and it is retried. */
export interface Write {
  readonly id: string
  /** Returns the content to store. It may be called again after a conflict. If it returns its argument, there is nothing to write. */
  readonly compose: (stored: Content) => Content | Promise<Content>
  /** The new secret of the session, and for how many ms the old secret still works. */
  readonly rotation?: { readonly secret: string; readonly keepFor: number; readonly signIn?: SignIn }
  /** The revisions of tries whose answers were lost. */
  readonly doubtful: number[]
  /** True if nobody can find out any more whether the write was applied. */
  lost?: boolean
}

/** A write that was not yet sent. */
export function newWrite(compose: Write['compose']): Write {
  return { id: newWriteId(), compose, doubtful: [] }
}

import type { Content } from './codec.ts'
import type { SignIn } from './sign-in.ts'
import { newWriteId } from './token.ts'

/** One logical write: applied once, whatever happens to its answers. */
export interface Write {
  readonly id: string
  /** The content to store; may be asked again. The same object as it was given: nothing to write. */
  readonly compose: (stored: Content) => Content | Promise<Content>
  /** The new secret that the write gives the session, and for how many ms the old one still works. */
  readonly rotation?: { readonly secret: string; readonly keepFor: number; readonly signIn?: SignIn }
  /** Revisions that tries without an answer would have made. */
  readonly doubtful: number[]
  /** Whether it was applied cannot be known any more. */
  lost?: boolean
}

/** A write that was not yet sent. */
export function newWrite(compose: Write['compose']): Write {
  return { id: newWriteId(), compose, doubtful: [] }
}

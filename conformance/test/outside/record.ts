import type { SessionKey, SessionRecord, StoreTraits } from '@sess/core'

/** What the stores from outside are put into the place of: five methods, and no list, count or sweep. */
export const TRAITS: StoreTraits = Object.freeze({
  maxPayloadBytes: 1_048_576,
  expiryResolutionMs: 1,
  subjects: 'none',
  expiry: 'native',
  tagIsShard: false,
  staleMs: 0,
  count: false,
})

/** A record as JSON. */
export interface Stored {
  readonly revision: number
  readonly expiresAt: number
  readonly subject?: string
  readonly payload: string
}

/** The name of a record. */
export function nameOf({ tag, id }: SessionKey): string {
  return `${tag}.${id}`
}

/** Turns a record into JSON. */
export function storedOf({ payload, ...rest }: SessionRecord): Stored {
  return { ...rest, payload: Buffer.from(payload).toString('base64') }
}

/** Turns JSON into a record. */
export function recordOf({ revision, expiresAt, subject, payload }: Stored): SessionRecord {
  return {
    revision,
    expiresAt,
    ...(subject !== undefined && { subject }),
    payload: new Uint8Array(Buffer.from(payload, 'base64')),
  }
}

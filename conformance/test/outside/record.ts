import { asExpected, type AnyRecord, type ExpectedRecord, type SessionKey, type StoreTraits } from '@sess/core/adapter'

/** What the stores from outside are put into the place of: five methods, and no list, count or sweep. */
export const TRAITS: StoreTraits = Object.freeze({
  maxPayloadBytes: 1_048_576,
  expiryResolutionMs: 1,
  needsPepper: false,
  staleMs: 0,
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
export function storedOf({ payload, ...rest }: AnyRecord): Stored {
  return { ...rest, payload: Buffer.from(payload).toString('base64') }
}

/** Turns JSON into a record. */
export function recordOf({ revision, expiresAt, subject, payload }: Stored): ExpectedRecord {
  return asExpected({
    revision,
    expiresAt,
    ...(subject !== undefined && { subject }),
    payload: new Uint8Array(Buffer.from(payload, 'base64')),
  })
}

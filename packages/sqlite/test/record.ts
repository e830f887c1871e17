import type { SessionKey, SessionRecord } from '@sess/core'

export const keyOf = (i: number): SessionKey => ({ tag: 'a'.repeat(12), id: String(i).padStart(16, '0') })

export const recordOf = (revision: number, text = ''): SessionRecord => ({
  revision,
  expiresAt: 1000,
  payload: Buffer.from(text),
})

export { aesGcmSeal, type AesGcmSeal, type AesGcmSealOptions } from './aes-gcm-seal.ts'
export type { KeyRingOptions, SealingKey } from './key-ring.ts'
export { createSealedSessions, type SealedOptions, type SealedSession, type SealedSessions } from './sealed-sessions.ts'

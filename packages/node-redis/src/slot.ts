/** The table of CRC-16/XMODEM: the CRC of each byte. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1
  return crc & 0xff_ff
})

/** The number of slots of a Redis Cluster. */
export const ALL_SLOTS = 16_384

/**
 * Computes the slot of a key of Redis Cluster. The key must have a hash tag in its first pair of braces.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export function slotOf(key: string): number {
  const from = key.indexOf('{') + 1
  const to = key.indexOf('}', from)
  let crc = 0
  for (const byte of Buffer.from(key.slice(from, to))) crc = ((crc << 8) & 0xff_ff) ^ CRC16[(crc >> 8) ^ byte]!
  return crc % ALL_SLOTS
}

/** Finds a key in a slot. @param prefix - The beginning of the key, without braces. */
export function keyIn(slot: number, prefix: string): string {
  for (let n = 0; ; n++) {
    const key = `${prefix}{${n}}`
    if (slotOf(key) === slot) return key
  }
}

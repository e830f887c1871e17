/** How long after the expiry of its record Memcached may remove an item, in s, so that a fast clock never removes a live record. */
const GRACE_S = 60
/** Memcached takes an expiry of up to this many seconds as relative; a larger number is seconds since 1970. */
const MAX_RELATIVE_S = 30 * 24 * 60 * 60
/** The last second that the protocol can express, in 2106. */
const LAST_SECOND = 0xff_ff_ff_ff

/**
 * The expiry of an item, as Memcached takes it: up to 30 days in seconds from now; above that in seconds since 1970, by the clock of
 * this machine; 0 (never) for a time that the protocol cannot express.
 *
 * @param until - When the content of the item ends, in ms since the epoch, by core's clock, like `now`.
 */
export function itemExpiry(until: number, now: number): number {
  const life = Math.max(Math.ceil((until - now) / 1000) + GRACE_S, 1)
  if (life <= MAX_RELATIVE_S) return life
  const end = Math.ceil(Date.now() / 1000) + life
  return end <= LAST_SECOND ? end : 0
}

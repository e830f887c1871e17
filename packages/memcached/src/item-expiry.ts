/** Memcached may drop an item this much later than its record expires: a server's fast clock never removes a live record. */
const GRACE_S = 60
/** Up to this many seconds Memcached counts an expiry from now; a larger number is seconds since 1970. */
const MAX_RELATIVE_S = 30 * 24 * 60 * 60
/** The last second that the protocol can name, in 2106. */
const LAST_SECOND = 0xff_ff_ff_ff

/**
 * When Memcached may drop an item: in seconds from now up to 30 days, as it takes them; past that as seconds since 1970 by
 * the clock of this machine; 0, never, past what the protocol can name.
 *
 * @param until - When what it holds ends, in ms by core's clock, as `now`.
 */
export function itemExpiry(until: number, now: number): number {
  const life = Math.max(Math.ceil((until - now) / 1000) + GRACE_S, 1)
  if (life <= MAX_RELATIVE_S) return life
  const end = Math.ceil(Date.now() / 1000) + life
  return end <= LAST_SECOND ? end : 0
}

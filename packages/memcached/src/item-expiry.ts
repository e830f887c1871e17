/** How much later than what it holds an item goes, in s: a server's clock that runs fast never removes a live record. */
const GRACE = 60
/** The longest time that Memcached takes as counted from now, in s. */
const RELATIVE = 30 * 24 * 60 * 60
/** The last second that the protocol can name, in 2106. */
const LAST = 0xff_ff_ff_ff

/**
 * When Memcached may drop an item: in seconds from now up to 30 days, as it takes them; past that as seconds since 1970 by
 * the clock of this machine; 0, never, past what the protocol can name.
 *
 * @param until - When what it holds ends, in ms by core's clock, as `now`.
 */
export function itemExpiry(until: number, now: number): number {
  const life = Math.max(Math.ceil((until - now) / 1000) + GRACE, 1)
  if (life <= RELATIVE) return life
  const end = Math.ceil(Date.now() / 1000) + life
  return end <= LAST ? end : 0
}

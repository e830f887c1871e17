/** The normal distribution's quantile for 95 %. */
const Z = 1.959_963_985

/**
 * The 95 % Wilson score interval of a share. Unlike the normal approximation, it is also correct for 0 of n.
 *
 * @returns Shares from 0 to 1; [0, 1] if nothing was judged.
 * @see https://doi.org/10.1080/01621459.1927.10502953
 */
export function wilson(found: number, judged: number): [low: number, high: number] {
  if (judged === 0) return [0, 1]
  const share = found / judged
  const square = Z * Z
  const middle = share + square / (2 * judged)
  const spread = Z * Math.sqrt((share * (1 - share) + square / (4 * judged)) / judged)
  const whole = 1 + square / judged
  return [
    found === 0 ? 0 : Math.max(0, (middle - spread) / whole),
    found === judged ? 1 : Math.min(1, (middle + spread) / whole),
  ]
}

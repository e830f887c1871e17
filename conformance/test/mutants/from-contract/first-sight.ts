/** A store that the kit took for sound when it first met it. */
export interface Miss {
  /** The mutant's name. */
  readonly name: string
  /** Why no case saw it. */
  readonly reason: string
}

/**
 * What the kit of 271 cases missed when it first met the stores of this folder. They were written from the contract alone, and each
 * miss got a case, which the mutant names.
 */
export const missed: readonly Miss[] = [
  {
    name: 'a revocation begins when it is called, not at its first step',
    reason: 'each case that called a revocation went through its pages at once',
  },
  {
    name: 'reads of one key that are under way are shared, fresh ones too',
    reason: 'no case began a read while another of the same client was under way, and wrote in between',
  },
  {
    name: 'a revocation passes by what has expired, though a slower clock would call it live',
    reason: 'in no case did the clock of who revokes run ahead of the clock of who reads afterwards',
  },
  {
    name: 'a delete passes by what has expired, though a slower clock would call it live',
    reason: 'in no case did the clock of who deletes run ahead of the clock of who reads afterwards',
  },
  {
    name: 'times are text, and sort wrongly beyond the year 9999',
    reason: 'the longest life that was tried ended with the year 9999',
  },
  {
    name: 'a list finds a subject under any tag',
    reason: 'a subject under two tags was tried with revocations alone, not with lists',
  },
]

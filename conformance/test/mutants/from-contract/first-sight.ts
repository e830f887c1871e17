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

/** What the kit of 282 cases missed of thirty more, in `../from-contract-2`. */
export const missedAgain: readonly Miss[] = [
  {
    name: 'a create first removes the expired record that it saw, whatever is there by then',
    reason: 'two creates met over no record, and not over an expired one; and no request of one was held up',
  },
  {
    name: "a replace whose answer is lost takes another's record of the same revision for its own",
    reason: 'nobody else wrote between a lost connection and the look afterwards',
  },
  {
    name: 'deleteSubject deletes the excepted record too, and puts it back at the end',
    reason: 'the excepted record was looked at after the revocation, not during it',
  },
  {
    name: 'a replace compares the revision in one statement and writes in another',
    reason: 'the two statements are microseconds apart, and each process wrote 50 times',
  },
  {
    name: 'a payload that begins as gzip does is unpacked, though nobody packed it',
    reason: 'no payload began like another format',
  },
  {
    name: 'a create that failed for whatever reason says that a record is there',
    reason: 'a full disk was tried with all writes but a create',
  },
]

/** What the kit of 304 cases missed of a third thirty, in `../from-contract-3`. */
export const missedThirdTime: readonly Miss[] = [
  {
    name: 'the index of a subject ends with the record that was written last, and not with the one that ends last',
    reason: 'no session of a subject was looked for after a shorter one, written later, had ended',
  },
  {
    name: 'the key under `except` is a pattern, in which _ stands for any character and case does not count',
    reason: 'keys that are alike went through each method, but not as the exception of a revocation',
  },
  {
    name: 'all ends at a page in which every record has expired',
    reason: 'no method that works in pages met more expired records in a row than a page holds',
  },
]

/** What the kit of 307 cases missed of a fourth thirty, in `../from-contract-4`. */
export const missedFourthTime: readonly Miss[] = [
  {
    name: 'the expiry that a touch writes has 14 digits',
    reason: 'the far ends that were tried were whole seconds, and each was looked at a second before',
  },
  {
    name: 'a touch that meets another of this client and of the same revision is answered as that one',
    reason: 'calls that met were of two clients',
  },
  {
    name: 'the limit of a payload holds for its compressed bytes, which may be more',
    reason: 'the largest payload was of one byte value, and what does not compress was smaller',
  },
  {
    name: 'the version that a write compares begins at 1 again when its key was deleted',
    reason: 'while a request of a write was late, another client made one call, and not an end and a new beginning',
  },
  {
    name: 'a list that loses its connection between two pages begins again',
    reason: 'the lists whose connections were lost had one page',
  },
  {
    name: 'of two closes at once, one fails',
    reason: 'the two closes at once came after one that was done',
  },
  {
    name: 'a sweep begins where the one before has ended',
    reason: 'nothing that had ended before a sweep came in after it',
  },
  {
    name: 'a close closes the database of all stores on its file in this process',
    reason: 'a client that is the same object as another passed for a store that lives in one process',
  },
]

/** What the kit of 327 cases missed of a fifth thirty, in `../from-contract-5`. */
export const missedFifthTime: readonly Miss[] = [
  {
    name: 'a close deletes what has ended by the clock of its process',
    reason: 'clients came and went in no case while a record had ended for some',
  },
  {
    name: 'a sweep does not look before the first expiry that its client knows of',
    reason: 'before each sweep its own client had written, or had not swept yet',
  },
  {
    name: 'a create whose answer is lost looks for its record, and if the look fails promises that nothing was written',
    reason: 'one request of a call was lost, and not the next one too',
  },
]

/** How long one page should take, in ms: a quarter of the limit in the contract. */
const PAGE_MS = 5
const SMALLEST = 8
const LARGEST = 10_000

/** Chooses how many records the next page reads or deletes, so that each page takes about 5 ms. */
export class PageSize {
  #size: number

  /** @param first - The size of the first page, in records. Default: 32. */
  constructor(first = 32) {
    this.#size = first
  }

  get size(): number {
    return this.#size
  }

  /** Adapts the size to the time that a page took, in ms. Only a full page makes the next page larger. */
  took(ms: number, records: number): void {
    const fitting = (this.#size * PAGE_MS) / Math.max(ms, 0.1)
    if (ms > PAGE_MS) this.#size = Math.max(SMALLEST, Math.floor(fitting))
    else if (records >= this.#size) this.#size = Math.min(LARGEST, 2 * this.#size, Math.ceil(fitting))
  }
}

/** Adds up the pages of `count`, `sweep` or `deleteSubject`; undefined if the store cannot tell. */
export async function sum<Count extends number | undefined>(pages: AsyncIterable<Count>): Promise<Count> {
  let total: number | undefined = 0
  for await (const count of pages) total = count === undefined || total === undefined ? undefined : total + count
  return total as Count
}

/** How long one page should take, in ms: a quarter of what one may. */
const PAGE_MS = 5
const SMALLEST = 8
const LARGEST = 10_000

/** How many records the next page takes, so that a page takes about 5 ms. */
export class PageSize {
  #size: number

  /** @param first - How many records the first page takes. Default: 32. */
  constructor(first = 32) {
    this.#size = first
  }

  get size(): number {
    return this.#size
  }

  /** Adapts the size to how long a page took. A page that was not full says nothing of a larger one. */
  took(ms: number, records: number): void {
    const fitting = (this.#size * PAGE_MS) / Math.max(ms, 0.1)
    if (ms > PAGE_MS) this.#size = Math.max(SMALLEST, Math.floor(fitting))
    else if (records >= this.#size) this.#size = Math.min(LARGEST, 2 * this.#size, Math.ceil(fitting))
  }
}

/** What all pages of `count`, `sweep` or `deleteSubject` did; undefined where the store cannot tell. */
export async function sum<Count extends number | undefined>(pages: AsyncIterable<Count>): Promise<Count> {
  let total: number | undefined = 0
  for await (const count of pages) total = count === undefined || total === undefined ? undefined : total + count
  return total as Count
}

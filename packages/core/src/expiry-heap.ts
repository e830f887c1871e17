/** A binary heap of keys, ordered by their expiry, earliest first. */
export class ExpiryHeap {
  readonly #items: { readonly at: number; readonly key: string }[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest entry; it stays in the heap. */
  get first(): { readonly at: number; readonly key: string } | undefined {
    return this.#items[0]
  }

  push(at: number, key: string): void {
    const items = this.#items
    let i = items.push({ at, key }) - 1
    for (let parent = (i - 1) >> 1; i > 0 && items[parent]!.at > items[i]!.at; parent = (i - 1) >> 1) {
      this.#swap(i, parent)
      i = parent
    }
  }

  /** Removes the earliest entry. */
  pop(): void {
    const items = this.#items
    const last = items.pop()
    if (last === undefined || items.length === 0) return
    items[0] = last
    for (let i = 0; ;) {
      const left = 2 * i + 1
      const least = [left, left + 1].reduce((a, b) => ((items[b]?.at ?? Infinity) < items[a]!.at ? b : a), i)
      if (least === i) return
      this.#swap(i, least)
      i = least
    }
  }

  #swap(a: number, b: number): void {
    const items = this.#items
    ;[items[a], items[b]] = [items[b]!, items[a]!]
  }
}

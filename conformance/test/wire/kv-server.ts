/** A value, and the version that a compare-and-set names. */
export interface Versioned {
  readonly name: string
  readonly version: number
  readonly bytes: Uint8Array
}

/** A server that knows names and bytes alone: what etcd, Consul and cloud tables are to an adapter. */
export class KvServer {
  readonly #values = new Map<string, Versioned>()
  /** In order. */
  readonly #names: string[] = []
  #version = 0

  get(name: string): Versioned | undefined {
    return this.#values.get(name)
  }

  /** Writes if the version is this; 0: if there is none. @returns False: it is another. */
  put(name: string, version: number, bytes: Uint8Array): boolean {
    if ((this.#values.get(name)?.version ?? 0) !== version) return false
    this.set(name, bytes)
    return true
  }

  /** Writes, whatever is there. */
  set(name: string, bytes: Uint8Array): void {
    if (!this.#values.has(name)) this.#names.splice(this.#placeOf(name), 0, name)
    this.#values.set(name, { name, version: ++this.#version, bytes })
  }

  /** Removes if the version is this; without one, whatever is there. @returns False: it is another, or gone. */
  remove(name: string, version?: number): boolean {
    const there = this.#values.get(name)
    if (!there || (version !== undefined && there.version !== version)) return false
    this.#names.splice(this.#placeOf(name), 1)
    return this.#values.delete(name)
  }

  /** The next values whose names begin with a text, after a name, in order. */
  scan(prefix: string, after: string, limit: number): Versioned[] {
    const from = after === '' ? this.#placeOf(prefix) : this.#placeOf(after) + Number(this.#values.has(after))
    return this.#names
      .slice(from, from + limit)
      .filter((name) => name.startsWith(prefix))
      .map((name) => this.#values.get(name)!)
  }

  /** Where a name is, or would be. */
  #placeOf(name: string): number {
    let [low, high] = [0, this.#names.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#names[middle]! < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

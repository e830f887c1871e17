import { setImmediate } from 'node:timers'

/**
 * Collects the calls of one turn of the event loop, and sends them as one batch: for databases that read or write several records in
 * one request.
 *
 * ```ts
 * const read = batch(24, (keys: SessionKey[]) => database.getMany(keys))
 * const record = await read(key, (found) => (found === null ? undefined : decodeRecord(found)))
 * ```
 *
 * @param most - The largest batch. A batch of this size is sent at once.
 * @param send - Sends a batch, and returns the answers in the order of the items. If it rejects, each call of the batch rejects.
 * @returns A function that adds an item to the batch. It resolves to what `resultOf` makes of the item's own answer; an error of
 *   `resultOf` rejects that call alone.
 */
export function batch<Item, Answer>(
  most: number,
  send: (items: Item[]) => Promise<readonly Answer[]>,
): <Result>(item: Item, resultOf: (answer: Answer) => Result | PromiseLike<Result>) => Promise<Result> {
  let open: (PromiseWithResolvers<readonly Answer[]> & { readonly items: Item[] }) | undefined
  return (item, resultOf) => {
    const { items, promise, resolve } = (open ??= { items: [], ...Promise.withResolvers() })
    const count = items.push(item)
    const close = (): void => {
      if (open?.items !== items) return
      open = undefined
      resolve(send(items))
    }
    if (count === most) close()
    else if (count === 1) setImmediate(close)
    return promise.then((answers) => resultOf(answers[count - 1]!))
  }
}

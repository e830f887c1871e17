import { setImmediate } from 'node:timers'

/**
 * Collects the items of one turn of the event loop, and sends them as one batch.
 *
 * @param most - The largest batch. A batch of this size is sent at once.
 * @param send - Sends a batch, and returns the answers in the order of the items. If it rejects, each call of the batch rejects.
 */
export function batch<Item, Answer>(
  most: number,
  send: (items: Item[]) => Promise<readonly Answer[]>,
): <Result>(item: Item, resultOf: (answer: Answer) => Result) => Promise<Result> {
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

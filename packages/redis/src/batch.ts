import { setImmediate } from 'node:timers'

/**
 * Sends what is asked in one turn of the event loop as one batch.
 *
 * @param most - The size of a full batch, which is sent at once.
 * @param send - Answers in the order of the items. When it rejects, each call of the batch rejects.
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

import { setImmediate } from 'node:timers'

/**
 * Sends together what is asked in one turn of the event loop.
 *
 * @param most - So many go at once, without waiting for more.
 * @param send - Answers in the order of what it is given. What it rejects with, each of them does.
 */
export function together<Item, Answer>(
  most: number,
  send: (items: Item[]) => Promise<readonly Answer[]>,
): (item: Item) => Promise<Answer> {
  let open: (PromiseWithResolvers<readonly Answer[]> & { readonly items: Item[] }) | undefined
  return (item) => {
    const { items, promise, resolve } = (open ??= { items: [], ...Promise.withResolvers() })
    const at = items.push(item) - 1
    const close = (): void => {
      if (open?.items !== items) return
      open = undefined
      resolve(send(items))
    }
    if (at + 1 === most) close()
    else if (at === 0) setImmediate(close)
    return promise.then((answers) => answers[at]!)
  }
}

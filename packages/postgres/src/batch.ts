import { setImmediate } from 'node:timers'

/**
 * Sends the calls of one turn of the event loop together. A call that is alone in its turn goes alone, at the end of the turn.
 *
 * @param most - The size of a full batch, which is sent at once.
 * @param together - Answers in the order of the items. For an item without an answer, the batch calls `alone`. When `together`
 *   rejects, each call of the batch rejects.
 */
export function batch<Item, Answer>(
  most: number,
  alone: (item: Item) => Promise<Answer>,
  together: (items: readonly Item[]) => Promise<readonly (Answer | undefined)[] | undefined>,
): (item: Item) => Promise<Answer> {
  type Answers = Awaited<ReturnType<typeof together>>
  let open: (PromiseWithResolvers<Answers> & { readonly items: Item[] }) | undefined
  return (item) => {
    const { items, promise, resolve } = (open ??= { items: [], ...Promise.withResolvers<Answers>() })
    const count = items.push(item)
    const close = (): void => {
      if (open?.items !== items) return
      open = undefined
      resolve(items.length > 1 ? together(items) : undefined)
    }
    if (count === most) close()
    else if (count === 1) setImmediate(close)
    return promise.then((answers) => {
      const answer = answers?.[count - 1]
      return answer === undefined ? alone(item) : answer
    })
  }
}

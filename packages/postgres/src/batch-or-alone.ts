import { batch } from '@sess/core/adapter'

/**
 * Sends the calls of one turn of the event loop together. A call that is alone in its turn goes alone, at the end of the turn.
 *
 * @param most - The size of a full batch, which is sent at once.
 * @param together - Answers in the order of the items; undefined for an item that has to go alone, or for all of them. When it
 *   rejects, each call of the batch rejects.
 */
export function batchOrAlone<Item, Answer>(
  most: number,
  alone: (item: Item) => Promise<Answer>,
  together: (items: readonly Item[]) => Promise<readonly (Answer | undefined)[] | undefined>,
): (item: Item) => Promise<Answer> {
  const add = batch(most, async (items: Item[]) => (items.length > 1 ? ((await together(items)) ?? []) : []))
  return (item) => add(item, (answer) => (answer === undefined ? alone(item) : answer))
}

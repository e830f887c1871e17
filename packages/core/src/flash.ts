import { copy, equal, get, put, type Plain } from './data.ts'

/** Flash messages by name, oldest first. */
export type Flash = Readonly<Record<string, readonly unknown[]>>

/** One change of the messages by a request: it left a message, or took messages. */
export type FlashStep =
  | { readonly name: string; readonly left: unknown }
  | { readonly name: string; readonly taken: readonly unknown[] }

/** The messages after some steps. It is no error if another request took a message first. */
export function flashAfter(flash: Flash, steps: readonly FlashStep[]): Flash {
  if (!steps.length) return flash
  const result: Plain = { ...flash }
  for (const step of steps) {
    const messages = [...messagesOf(result as Flash, step.name)]
    if ('left' in step) messages.push(step.left)
    else
      for (const message of step.taken) {
        const at = messages.findIndex((other) => equal(other, message))
        if (at >= 0) messages.splice(at, 1)
      }
    put(result, step.name, messages.length ? messages : undefined)
  }
  return result as Flash
}

/** Copies of the messages under a name. */
export function messagesOf(flash: Flash, name: string): unknown[] {
  return copy((get(flash, name) ?? []) as unknown[])
}

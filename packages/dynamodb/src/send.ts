import type {
  $Command,
  DynamoDBClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb'
import type { DynamodbClient } from './client.ts'
import { changedNothing, failure } from './failure.ts'
import type { Item } from './item.ts'

type Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = $Command<
  Input,
  Output,
  DynamoDBClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

/** How long the client may try again, in ms: less than core waits, which then hears why. */
const TRYING = 3000

/** How long one call may take, in ms: as long as core waits for an answer at most. */
const MAX_CALL_MS = 10_000

/** What became of a write. */
export interface Answer {
  /** False: its condition did not hold. */
  readonly applied: boolean
  /** What was there before, where that was asked for and DynamoDB tells. */
  readonly old: Item | undefined
}

/** Sends something that writes nothing. @throws {SessError} See {@link failure}; never `unknown_outcome`. */
export async function ask<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  client: DynamodbClient,
  table: string,
  command: Command<Input, Output>,
): Promise<Output> {
  const call = new Call(command, false)
  try {
    return await call.send(client)
  } catch (error) {
    throw failure(call.said ?? error, false, table)
  }
}

/**
 * Sends a write. The client may try it again only while nothing can have been applied.
 *
 * Of two tries that both arrive, the second meets what the first has written: a create would answer "taken" for its own
 * record, a delete "not there". Worse, a create that is sent again could land after its subject was signed out everywhere.
 *
 * @throws {SessError} See {@link failure}.
 */
export async function tell<
  Input extends ServiceInputTypes,
  Output extends ServiceOutputTypes & { Attributes?: Item | undefined },
>(client: DynamodbClient, table: string, command: Command<Input, Output>): Promise<Answer> {
  const call = new Call(command, true)
  try {
    return { applied: true, old: (await call.send(client)).Attributes }
  } catch (error) {
    const cause = call.said ?? error
    const { name, Item: old } = cause as Error & { Item?: Item }
    if (name === 'ConditionalCheckFailedException') return { applied: false, old }
    throw failure(cause, call.unsure, table)
  }
}

/** A command, and all the tries that the client makes of it. */
class Call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> {
  /** What the last try came to, if it failed. */
  said: unknown
  /** True: a try may have been applied. */
  unsure = false
  readonly #command: Command<Input, Output>
  #underway = false
  #late = false

  /** @param once - It writes: nothing is sent after a try that may have been applied. */
  constructor(command: Command<Input, Output>, once: boolean) {
    this.#command = command
    command.middlewareStack.add(
      (next) => async (args) => {
        if (once && this.unsure) throw ended()
        this.#underway = this.unsure = true
        this.said = undefined
        try {
          const result = await next(args)
          checkAnswer(result.response)
          return result
        } catch (error) {
          this.said = error
          this.unsure = !changedNothing(error)
          throw this.#late || (once && this.unsure) ? ended() : error
        } finally {
          this.#underway = false
        }
      },
      // Inside of the client's retries, and around the reading of what DynamoDB answers.
      { name: 'sessTry', step: 'deserialize', priority: 'high' },
    )
  }

  async send(client: DynamodbClient): Promise<Output> {
    const controller = new AbortController()
    const trying = setTimeout(() => {
      this.#late = true
      if (!this.#underway) controller.abort()
    }, TRYING)
    const patience = setTimeout(() => controller.abort(), MAX_CALL_MS)
    try {
      return await client.send(this.#command, { abortSignal: controller.signal })
    } finally {
      clearTimeout(trying)
      clearTimeout(patience)
    }
  }
}

/**
 * Without this an empty answer with status 200, as a captive portal or a wrong endpoint gives it, would acknowledge a write, and
 * say of a session that it is gone.
 *
 * @throws {Error} For what is no answer of DynamoDB.
 */
function checkAnswer(response: unknown): void {
  const { headers = {} } = response as { readonly headers?: Readonly<Record<string, string>> }
  const type = headers['content-type'] ?? 'no type'
  if (!/^application\/(x-amz-json|cbor)/.test(type))
    throw new Error(`what answered is not DynamoDB: its answer is of ${type}. Look at the client's endpoint`)
}

/** Bears nothing by which a client takes an error for one that will pass. */
function ended(): Error {
  return new Error('this is not sent again')
}

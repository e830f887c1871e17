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

/** How long the client may retry, in ms: less than core's `storeTimeout`, so that core gets the client's error. */
const RETRY_FOR_MS = 3000

/** The longest that one call may take, in ms: the longest `storeTimeout` of core. */
const MAX_CALL_MS = 10_000

/** The result of a write. */
export interface Answer {
  /** False if its condition did not hold. */
  readonly applied: boolean
  /** The item before the write, if it was requested and DynamoDB returned it. */
  readonly old: Item | undefined
}

/** Sends a command that writes nothing. @throws {SessError} See {@link failure}; never `unknown_outcome`. */
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
 * Sends a write. The client may retry it only while nothing can have been applied.
 *
 * If two tries of one write arrive, the second finds the result of the first: a create would answer "taken" because of its own record, a
 * delete "not there". Worse, a late retry of a create could be applied after its user was signed out everywhere.
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

/** A command, with all tries that the client makes of it. */
class Call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> {
  /** The error of the last try, if it failed. */
  said: unknown
  /** True if a try may have been applied. */
  unsure = false
  readonly #command: Command<Input, Output>
  #underway = false
  #late = false

  /** @param once - The command writes: after a try that may have been applied there is no other try. */
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
      // This place is inside of the client's retries, and outside of the code that reads DynamoDB's answer.
      { name: 'sessTry', step: 'deserialize', priority: 'high' },
    )
  }

  async send(client: DynamodbClient): Promise<Output> {
    const controller = new AbortController()
    const trying = setTimeout(() => {
      this.#late = true
      if (!this.#underway) controller.abort()
    }, RETRY_FOR_MS)
    const limit = setTimeout(() => controller.abort(), MAX_CALL_MS)
    try {
      return await client.send(this.#command, { abortSignal: controller.signal })
    } finally {
      clearTimeout(trying)
      clearTimeout(limit)
    }
  }
}

/**
 * Refuses an answer that is not from DynamoDB. Without this check an empty answer with status 200, from a captive portal or a wrong
 * endpoint, would acknowledge a write, or mean that a session is gone.
 *
 * @throws {Error} If the answer does not have a media type of DynamoDB.
 */
function checkAnswer(response: unknown): void {
  const { headers = {} } = response as { readonly headers?: Readonly<Record<string, string>> }
  const type = headers['content-type']
  if (type === undefined || !/^application\/(x-amz-json|cbor)/.test(type))
    throw new Error(
      `the server that answered is not DynamoDB: its answer has the type ${type ?? '(none)'}. Check the client's endpoint`,
    )
}

/** Makes an error without the properties that would make a client retry. */
function ended(): Error {
  return new Error('this is not sent again')
}

import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  type ScanCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { SessionKey } from '@sess/core'
import type { DynamodbClient } from './client.ts'
import { encodeKey, type Item } from './item.ts'
import { ask, tell, type Answer } from './send.ts'

/** A condition on the stored item, and the values of its placeholders. A write whose condition fails returns the stored item. */
export interface Condition {
  readonly holds: string
  readonly values: Item
}

/** The requests of the store to its table. Reads are strongly consistent. */
export class Table {
  readonly #client: DynamodbClient
  readonly #name: string

  constructor(client: DynamodbClient, name: string) {
    this.#client = client
    this.#name = name
  }

  async get(key: SessionKey): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.#name, Key: encodeKey(key), ConsistentRead: true })
    return (await ask(this.#client, this.#name, command)).Item
  }

  put(item: Item, condition: Condition): Promise<Answer> {
    return tell(
      this.#client,
      this.#name,
      new PutItemCommand({ TableName: this.#name, Item: item, ...conditional(condition) }),
    )
  }

  /** @param set - The assignments of the update. They use the placeholders of the condition. */
  update(key: SessionKey, set: string, condition: Condition): Promise<Answer> {
    return tell(
      this.#client,
      this.#name,
      new UpdateItemCommand({
        TableName: this.#name,
        Key: encodeKey(key),
        UpdateExpression: `SET ${set}`,
        ...conditional(condition),
      }),
    )
  }

  /** Deletes an item, and returns it. @param subject - The subject that the item must have; undefined: any. */
  delete(key: SessionKey, subject?: string): Promise<Answer> {
    return tell(
      this.#client,
      this.#name,
      new DeleteItemCommand({
        TableName: this.#name,
        Key: encodeKey(key),
        ReturnValues: 'ALL_OLD',
        // With a condition, because DynamoDB Local otherwise answers two parallel deletes that each removed the item.
        ...(subject === undefined
          ? { ConditionExpression: 'attribute_exists(id)' }
          : { ConditionExpression: 'subject = :subject', ExpressionAttributeValues: { ':subject': { S: subject } } }),
      }),
    )
  }

  /** The items of a subject, in pages of up to 1 MB. @param attributes - The attributes to return; default: all. */
  async *ofSubject(tag: string, subject: string, attributes?: string): AsyncIterable<Item[]> {
    for (let from: Item | undefined, more = true; more; more = from !== undefined) {
      const page = await ask(
        this.#client,
        this.#name,
        new QueryCommand({
          TableName: this.#name,
          ConsistentRead: true,
          KeyConditionExpression: 'tag = :tag',
          FilterExpression: 'subject = :subject',
          ExpressionAttributeValues: { ':tag': { S: tag }, ':subject': { S: subject } },
          ProjectionExpression: attributes,
          ExclusiveStartKey: from,
        }),
      )
      yield page.Items ?? []
      from = page.LastEvaluatedKey
    }
  }

  /** Scans the whole table, in pages of 1 MB, for the items that fulfil a condition, or for their count. */
  async *scan({ holds, values }: Condition, select?: 'COUNT'): AsyncIterable<ScanCommandOutput> {
    for (let from: Item | undefined, more = true; more; more = from !== undefined) {
      const page: ScanCommandOutput = await ask(
        this.#client,
        this.#name,
        new ScanCommand({
          TableName: this.#name,
          ConsistentRead: true,
          Select: select,
          FilterExpression: holds,
          ExpressionAttributeValues: values,
          ExclusiveStartKey: from,
        }),
      )
      yield page
      from = page.LastEvaluatedKey
    }
  }
}

function conditional({ holds, values }: Condition) {
  return {
    ConditionExpression: holds,
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  } as const
}

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { createSessions, type SessError, type SessionStore } from '@sess/core'
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { asExpected, sum } from '@sess/core/adapter'
import { SELF_SIGNED } from '@sess/test-servers'
import type { Fate } from '../test/gateway.ts'
import { clientOf } from '../test/harness.ts'
import { keyOf, now, openFixture, recordOf, type Fixture } from '../test/session-table-fixture.ts'
import { createSessionTable, dynamodbStore } from './index.ts'

let it: Fixture

beforeEach(async () => {
  it = await openFixture(inject('dynamodbPort'))
})
afterEach(() => it.close())

const PEPPER = 'a pepper of some bytes'
const first = recordOf({ subject: 'ann' })
const second = recordOf({ subject: 'ann', revision: 2, payload: Buffer.from('second') })

/** Each write, and the operation that it is. */
const writes = [
  ['create', 'PutItem', (store: SessionStore, key = keyOf()) => store.create(key, first, now)],
  ['replace', 'PutItem', (store: SessionStore, key = keyOf()) => store.replace(key, asExpected(first), second, now)],
  [
    'touch',
    'UpdateItem',
    (store: SessionStore, key = keyOf()) => store.touch(key, asExpected(first), now + 90_000, now),
  ],
  ['delete', 'DeleteItem', (store: SessionStore, key = keyOf()) => store.delete(key, now)],
] as const

/** A key, with a record under it where the write needs one. */
async function keyFor(method: string) {
  const key = keyOf()
  if (method !== 'create') await it.other.create(key, first, now)
  return key
}

const always = (fate: Fate): Fate[] => Array.from({ length: 20 }, () => fate)

describe.each(writes)('%s', (method, operation, write) => {
  test.each<Fate>([
    'cut before',
    'cut after',
    { status: 500, type: 'InternalServerError' },
    { status: 503, type: 'ServiceUnavailable' },
  ])('whose answer is lost (%j) is sent once, and its outcome is unknown', async (fate) => {
    const key = await keyFor(method)
    const before = await it.other.read(key, now)
    it.gateway.fates.set(operation, [fate])
    await expect(write(it.store, key)).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(it.gateway.requests).toEqual([operation])
    const after = await it.other.read(key, now)
    if (fate === 'cut after') expect(after).not.toEqual(before)
    else expect(after).toEqual(before)
  })

  test('that is throttled, and so was not applied, is retried by the client', async () => {
    const key = await keyFor(method)
    it.gateway.fates.set(operation, [{ status: 400, type: 'ProvisionedThroughputExceededException' }])
    expect(await write(it.store, key)).toBe(
      { create: true, replace: 'replaced', touch: 'touched', delete: true }[method],
    )
    expect(it.gateway.requests).toEqual([operation, operation])
  })

  test('that is throttled, and whose retry loses its answer, is not sent a third time', async () => {
    const key = await keyFor(method)
    it.gateway.fates.set(operation, [{ status: 400, type: 'ThrottlingException' }, 'cut after'])
    await expect(write(it.store, key)).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(it.gateway.requests).toEqual([operation, operation])
  })

  test('to an absent server was not applied', async () => {
    await it.gateway.close()
    await expect(write(it.store)).rejects.toMatchObject({ code: 'store_unavailable' })
    it = await openFixture(inject('dynamodbPort'))
  })

  test('that is never answered is given up and not retried', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    it.gateway.fates.set(operation, ['no answer'])
    const answer = write(it.store).catch((error: unknown) => error)
    while (it.gateway.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(10_000)
    vi.useRealTimers()
    expect(await answer).toMatchObject({ code: 'unknown_outcome', cause: { name: 'AbortError' } })
    expect(it.gateway.requests).toEqual([operation])
  })

  test.each([
    ['ProvisionedThroughputExceededException', 'store_unavailable', /throttled/],
    ['RequestLimitExceeded', 'store_unavailable', /throttled/],
    ['ThrottlingException', 'store_unavailable', /throttled/],
    ['TransactionConflictException', 'store_unavailable', /transaction/],
    ['AccessDeniedException', 'configuration', /policy/],
    ['UnrecognizedClientException', 'configuration', /credentials/],
    ['ExpiredTokenException', 'store_unavailable', /credentials/],
    ['InvalidSignatureException', 'store_unavailable', /clock/],
    ['ResourceNotFoundException', 'configuration', /createSessionTable/],
    ['ItemCollectionSizeLimitExceededException', 'store_full', /10 GB/],
  ])('that DynamoDB refuses with %s is %s', async (type, code, message) => {
    const key = await keyFor(method)
    const before = await it.other.read(key, now)
    it.gateway.fates.set(operation, [{ status: 400, type, message: 'No.' }])
    const client = clientOf(it.gateway.port, 1)
    const store = dynamodbStore(client, { table: it.table })
    const error: unknown = await write(store, key).catch((thrown: unknown) => thrown)
    client.destroy()
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), cause: { name: type } })
    expect((error as Error).message).not.toContain(key.id)
    expect(await it.other.read(key, now)).toEqual(before)
  })
})

test('a call that is throttled for long rejects with the reason, before core’s storeTimeout', async () => {
  for (const operation of ['PutItem', 'GetItem'])
    it.gateway.fates.set(operation, always({ status: 400, type: 'ThrottlingException' }))
  const client = clientOf(it.gateway.port, 100)
  const store = dynamodbStore(client, { table: it.table })
  const sessions = createSessions({ store, pepper: PEPPER, log: false })
  const error = { code: 'store_unavailable', message: expect.stringContaining('throttled') }
  await Promise.all([
    expect(sessions.load('a'.repeat(60))).rejects.toMatchObject({ code: 'store_unavailable', cause: error }),
    expect(store.create(keyOf(), first, now)).rejects.toMatchObject(error),
  ])
  client.destroy()
})

test('a session whose item is too large for DynamoDB is too_large, even if its payload is within the limit', async () => {
  const message = 'Item size has exceeded the maximum allowed size'
  it.gateway.fates.set('PutItem', [{ status: 400, type: 'ValidationException', message }])
  await expect(it.store.create(keyOf(), first, now)).rejects.toMatchObject({ code: 'too_large' })
})

describe('a write that was never sent was not applied:', () => {
  const refused = { code: 'store_unavailable' }
  const storeOf = (config: DynamoDBClientConfig): SessionStore => {
    const client = new DynamoDBClient({
      region: 'local',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
      ...config,
    })
    onTestFinished(() => client.destroy())
    return dynamodbStore(client, { table: it.table })
  }
  const failsWith = (name: string) => (): Promise<never> => Promise.reject(Object.assign(new Error('No.'), { name }))

  test.each<[what: string, config: DynamoDBClientConfig, message: RegExp]>([
    ['a name that no server has', { endpoint: 'http://nonesuch.invalid' }, /ENOTFOUND|EAI_AGAIN/],
    ['a port that nobody listens at', { endpoint: 'http://127.0.0.1:1' }, /ECONNREFUSED/],
    ['no credentials', { credentials: failsWith('CredentialsProviderError') }, /credentials/],
    [
      'no region',
      { region: (): Promise<never> => Promise.reject(new Error('Region is missing')) },
      /Region is missing/,
    ],
    ['an endpoint that cannot be found out', { endpoint: failsWith('EndpointError') }, /EndpointError/],
  ])('%s', async (_, config, message) => {
    const error: unknown = await storeOf(config)
      .create(keyOf(), first, now)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
    expect(['store_unavailable', 'configuration']).toContain((error as SessError).code)
    expect(it.gateway.requests).toEqual([])
  })

  test.each(['a certificate that nobody vouches for', 'a handshake that breaks off'])('%s', async (what) => {
    const secure = what.startsWith('a certificate')
    const tls = secure ? createTlsServer({ ...SELF_SIGNED }) : createServer((socket) => socket.destroy())
    onTestFinished(() => void tls.close())
    await once(tls.listen(0, '127.0.0.1'), 'listening')
    const endpoint = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`
    await expect(storeOf({ endpoint }).create(keyOf(), first, now)).rejects.toMatchObject(refused)
  })

  test('the connection was not made within connectionTimeout', async () => {
    const httpAgent = new Agent({ lookup: () => {} })
    const requestHandler = { httpAgent, connectionTimeout: 50 }
    const endpoint = 'http://dynamodb.invalid'
    await expect(storeOf({ endpoint, requestHandler }).create(keyOf(), first, now)).rejects.toMatchObject(refused)
  })
})

test.each([
  ['an empty answer with status 200', 200, 'text/html', ''],
  ['an empty object with status 200, of a type that is not DynamoDB’s', 200, 'application/json', '{}'],
])('%s acknowledges no write, and is no missing session', async (_, status, type, body) => {
  const portal = createHttpServer((_request, response) =>
    response.writeHead(status, { 'content-type': type }).end(body),
  )
  await once(portal.listen(0, '127.0.0.1'), 'listening')
  const client = clientOf((portal.address() as AddressInfo).port)
  onTestFinished(() => {
    client.destroy()
    portal.close()
  })
  const store = dynamodbStore(client, { table: it.table })
  for (const [, , write] of writes)
    await expect(write(store)).rejects.toMatchObject({
      code: 'unknown_outcome',
      cause: { message: expect.stringContaining('not DynamoDB') },
    })
  const unavailable = { code: 'store_unavailable', message: expect.stringContaining('endpoint') }
  await expect(store.read(keyOf(), now)).rejects.toMatchObject(unavailable)
  await expect(sum(store.count!(now))).rejects.toMatchObject(unavailable)
  const revoked = sum(store.deleteSubject!({ id: 'ann', tag: 'annannannann' }, now))
  await expect(revoked).rejects.toMatchObject(unavailable)
})

test.each([408, 499, 502])(
  'after a proxy’s own answer %i it is unknown whether the write was applied',
  async (status) => {
    const key = await keyFor('delete')
    it.gateway.fates.set('DeleteItem', [{ status, type: 'ProxyError' }])
    await expect(it.store.delete(key, now)).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect(it.gateway.requests).toEqual(['DeleteItem'])
  },
)

describe('a table of another shape is an error at the first call', () => {
  test.each<[what: string, keys: readonly (readonly [string, 'S' | 'N', 'HASH' | 'RANGE'])[]]>([
    ['another partition key', [['sessionId', 'S', 'HASH']]],
    ['no sort key', [['tag', 'S', 'HASH']]],
    [
      'another sort key',
      [
        ['tag', 'S', 'HASH'],
        ['createdAt', 'S', 'RANGE'],
      ],
    ],
    [
      'a key of numbers',
      [
        ['tag', 'N', 'HASH'],
        ['id', 'N', 'RANGE'],
      ],
    ],
    [
      'its keys the wrong way round',
      [
        ['id', 'S', 'HASH'],
        ['tag', 'S', 'RANGE'],
      ],
    ],
  ])('%s', async (what, keys) => {
    const table = randomUUID()
    await it.direct.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keys.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
        KeySchema: keys.map(([AttributeName, , KeyType]) => ({ AttributeName, KeyType })),
      }),
    )
    const store = dynamodbStore(it.direct, { table })
    const error = { code: 'configuration', message: expect.stringContaining('createSessionTable') }
    const revoke = (): Promise<unknown> => sum(store.deleteSubject!({ id: 'ann', tag: 'annannannann' }, now))
    // A key is found by its attributes' names, whatever their roles: of the last table only the sessions of a subject are not.
    const calls = what.endsWith('round')
      ? [revoke]
      : [
          () => store.read(keyOf(), now),
          ...writes.slice(1).map(
            ([, , write]) =>
              () =>
                write(store),
          ),
        ]
    for (const call of calls) await expect(call()).rejects.toMatchObject(error)
    await expect(createSessionTable(it.direct, { table })).rejects.toMatchObject({ code: 'configuration' })
  })
})

test('the error for a missing table says how to create it', async () => {
  const store = dynamodbStore(it.direct, { table: 'nonesuch' })
  const error = { code: 'configuration', message: expect.stringContaining('createSessionTable') }
  await expect(store.read(keyOf(), now)).rejects.toMatchObject(error)
  await expect(store.create(keyOf(), first, now)).rejects.toMatchObject(error)
})

test('a read is retried by the client', async () => {
  const key = await keyFor('read')
  it.gateway.fates.set('GetItem', ['cut before', { status: 500, type: 'InternalServerError' }])
  expect(await it.store.read(key, now)).toMatchObject({ subject: 'ann' })
  expect(it.gateway.requests).toEqual(['GetItem', 'GetItem', 'GetItem'])
})

test('a read that is not answered is an error, never a missing session', async () => {
  const key = await keyFor('read')
  it.gateway.fates.set('GetItem', always('cut before'))
  await expect(it.store.read(key, now)).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('the AWS client alone retries a create, and mistakes its own record for another’s', async () => {
  const { tag, id } = keyOf()
  it.gateway.fates.set('PutItem', ['cut after'])
  const command = new PutItemCommand({
    TableName: it.table,
    Item: { tag: { S: tag }, id: { S: id } },
    ConditionExpression: 'attribute_not_exists(id)',
  })
  await expect(it.client.send(command)).rejects.toMatchObject({
    name: 'ConditionalCheckFailedException',
    $metadata: { attempts: 2 },
  })
})

test('the store does not let a client retry everything', async () => {
  const client = clientOf(it.gateway.port)
  let tries = 0
  client.config.retryStrategy = async () => ({
    mode: 'always',
    retry: async (next, args) => {
      for (;;) {
        try {
          return (await next(args as never)) as never
        } catch (error) {
          if (++tries === 3) throw error
        }
      }
    },
  })
  it.gateway.fates.set('PutItem', ['cut after'])
  const store = dynamodbStore(client, { table: it.table })
  await expect(store.create(keyOf(), first, now)).rejects.toMatchObject({ code: 'unknown_outcome' })
  expect([tries, it.gateway.requests]).toEqual([3, ['PutItem']])
  client.destroy()
})

describe('a session', () => {
  const sessionsOf = (store: SessionStore) => createSessions<{ n: number }>({ store, pepper: PEPPER, log: false })

  async function counter() {
    const sessions = sessionsOf(it.store)
    const session = await sessions.load(undefined)
    session.data.n = 0
    return { sessions, cookieValue: (await session.commit()).cookieValue }
  }
  const increment = (data: { n?: number }): void => void (data.n = (data.n ?? 0) + 1)

  test.each<Fate>(['cut before', 'cut after', { status: 400, type: 'TransactionConflictException' }])(
    'an update that meets this once (%j) counts once',
    async (fate) => {
      const { sessions, cookieValue } = await counter()
      it.gateway.fates.set('PutItem', [fate])
      expect(await (await sessions.load(cookieValue)).update(increment)).toMatchObject({ status: 'saved' })
      expect((await sessions.load(cookieValue)).data.n).toBe(1)
    },
  )

  test('whose update loses its answer applies the update once, even if many other writes came between', async () => {
    const { sessions, cookieValue } = await counter()
    const others = sessionsOf(it.other)
    const session = await sessions.load(cookieValue)
    it.gateway.fates.set('PutItem', ['cut after'])
    let updates = 0
    it.gateway.before = async (operation) => {
      if (operation !== 'PutItem' || ++updates !== 2) return
      for (let i = 0; i < 10; i++) await (await others.load(cookieValue)).update(increment)
    }
    await expect(session.update(increment)).rejects.toMatchObject({ code: 'unknown_outcome' })
    expect((await others.load(cookieValue)).data.n).toBe(11)
  })

  test('whose sign-in loses the answer to its create is created again under another key', async () => {
    const { sessions, cookieValue } = await counter()
    it.gateway.fates.set('PutItem', ['cut after'])
    const session = await sessions.load(cookieValue)
    const outcome = await session.login('ann')
    expect(outcome.status).toBe('created')
    expect((await sessions.load(outcome.cookieValue)).subject).toBe('ann')
    const creates = it.gateway.requests.slice(-4)
    expect(creates).toEqual(['PutItem', 'PutItem', 'PutItem', 'GetItem'])
  })
})

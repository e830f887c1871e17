import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createSessions, type SessionKey, type SessionRecord, type SessionStore } from '@sess/core'
import { DAMAGED_RECORD } from '@sess/core/adapter'
import { afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { asExpected, sum } from '@sess/core/adapter'
import type { Fate } from '../test/gateway.ts'
import { clientOf } from '../test/harness.ts'
import { keyOf, now, openFixture, recordOf, type Fixture } from '../test/session-table-fixture.ts'
import { dynamodbStore, type DynamodbClient } from './index.ts'
import type { Item } from './item.ts'

let it: Fixture

beforeEach(async () => {
  it = await openFixture(inject('dynamodbPort'))
})
afterEach(() => it.close())

async function itemOf({ tag, id }: SessionKey) {
  const key = { tag: { S: tag }, id: { S: id } }
  return (await it.direct.send(new GetItemCommand({ TableName: it.table, Key: key, ConsistentRead: true }))).Item
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

test('the store refuses what it cannot use at once', () => {
  const client: DynamodbClient = it.client
  const invalid = expect.objectContaining({ code: 'invalid_option' }) as Error
  expect(() => dynamodbStore(client, { tableName: 'a' } as object)).toThrow(
    'tableName is no option of dynamodbStore(): there are table, maxPayloadBytes',
  )
  expect(() => dynamodbStore({} as DynamodbClient)).toThrow(invalid)
  for (const table of ['', 'ab', 'a b', 'é'.repeat(3), 'a'.repeat(256)])
    expect(() => dynamodbStore(client, { table })).toThrow(invalid)
  for (const maxPayloadBytes of [0, 1.5, NaN, 408_001])
    expect(() => dynamodbStore(client, { maxPayloadBytes })).toThrow(invalid)
  const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/sess_sessions'
  expect(dynamodbStore(client, { table: arn }).name).toBe('dynamodb')
})

describe('an item', () => {
  test('has the tag and the id as its key, and may be removed a minute after its end', async () => {
    const key = keyOf()
    const record = recordOf({ subject: 'ann', expiresAt: 1_800_000_000_001 })
    await it.store.create(key, record, now)
    const item = {
      tag: { S: key.tag },
      id: { S: key.id },
      revision: { N: '1' },
      expiresAt: { N: '1800000000001' },
      purgeAt: { N: '1800000061' },
      subject: { S: 'ann' },
      payload: { B: new Uint8Array(Buffer.from('payload')) },
    }
    expect(await itemOf(key)).toEqual(item)
    await it.store.touch(key, asExpected(record), 1_800_000_001_000, now)
    expect(await itemOf(key)).toEqual({ ...item, expiresAt: { N: '1800000001000' }, purgeAt: { N: '1800000061' } })
    await it.store.replace(key, asExpected(record), { ...record, revision: 2, expiresAt: 1_800_000_000_000 }, now)
    expect(await itemOf(key)).toEqual({
      ...item,
      revision: { N: '2' },
      expiresAt: { N: '1800000000000' },
      purgeAt: { N: '1800000060' },
    })
  })

  test('that another program wrote is no session, and stays as it is', async () => {
    const key = keyOf()
    const item = { tag: { S: key.tag }, id: { S: key.id }, subject: { S: 'ann' }, note: { S: 'mine' } }
    await it.direct.send(new PutItemCommand({ TableName: it.table, Item: item }))
    expect(await it.store.read(key, now)).toBeUndefined()
    expect(await it.store.create(key, recordOf(), now)).toBe(false)
    expect(await it.store.replace(key, asExpected(recordOf()), recordOf({ revision: 2 }), now)).toBe('missing')
    expect(await all(it.store.list!({ id: 'ann', tag: key.tag }, now))).toEqual([])
    expect(await itemOf(key)).toEqual(item)
  })

  test.each<Item>([
    { revision: { N: '1E+100' } },
    { revision: { N: '9007199254740993' } },
    { revision: { N: '-1' } },
    { revision: { N: '0.5' } },
    { revision: { S: '1' } },
    { expiresAt: { N: '9.9E+125' } },
    { expiresAt: { S: 'never' } },
    { expiresAt: { BOOL: true } },
    { subject: { S: 's'.repeat(1025) } },
  ])('is damaged where it has %j: no call fails, and it can be deleted', async (wrong) => {
    const key = keyOf()
    const record = recordOf({ subject: 'ann' })
    await it.store.create(key, record, now)
    await it.direct.send(new PutItemCommand({ TableName: it.table, Item: { ...(await itemOf(key)), ...wrong } }))
    expect(await it.store.read(key, now)).toBe(DAMAGED_RECORD)
    for await (const [, listed] of it.store.list!({ id: 'ann', tag: key.tag }, now)) expect(listed).toBe(DAMAGED_RECORD)
    await sum(it.store.count!(now))
    expect(['conflict', 'missing', 'touched']).toContain(
      await it.store.touch(key, asExpected(record), now + 90_000, now),
    )
    await it.store.delete(key, now)
    expect(await itemOf(key)).toBeUndefined()
  })

  test('fits the largest payload with the longest subject and revision; a larger payload is not sent', async () => {
    const key = keyOf()
    const record = recordOf({ subject: 'é'.repeat(512), payload: Buffer.alloc(408_000, 0xa5) })
    const last = { ...record, revision: Number.MAX_SAFE_INTEGER - 1, expiresAt: 8.64e15 }
    expect(await it.store.create(key, record, now)).toBe(true)
    expect(await it.store.replace(key, asExpected(record), last, now)).toBe('replaced')
    expect(await it.other.read(key, now)).toMatchObject({ revision: last.revision, expiresAt: last.expiresAt })
    it.gateway.requests.length = 0
    const larger = recordOf({ payload: Buffer.alloc(408_001) })
    await expect(it.store.create(keyOf(), larger, now)).rejects.toMatchObject({ code: 'too_large' })
    await expect(it.store.replace(key, asExpected(last), larger, now)).rejects.toMatchObject({ code: 'too_large' })
    expect(it.gateway.requests).toEqual([])
  })
})

describe.each([
  ['says with its refusal', true],
  ['does not say', false],
])('where DynamoDB %s which item a write found', (_, tells) => {
  const cases: readonly [string, SessionRecord | undefined, number, 'replace' | 'touch', string, string[]][] = [
    ['replace of another revision', recordOf({ revision: 7 }), 0, 'replace', 'conflict', ['PutItem']],
    ['replace of an expired item', recordOf(), 60_000, 'replace', 'missing', ['PutItem']],
    ['replace of nothing', undefined, 0, 'replace', 'missing', ['PutItem', 'GetItem']],
    ['touch of another revision', recordOf({ revision: 7 }), 0, 'touch', 'conflict', ['UpdateItem']],
    ['touch of an expired item', recordOf(), 60_000, 'touch', 'missing', ['UpdateItem']],
    ['touch of nothing', undefined, 0, 'touch', 'missing', ['UpdateItem', 'GetItem']],
    ['touch to an earlier time', recordOf({ expiresAt: now + 120_000 }), 0, 'touch', 'touched', ['UpdateItem']],
    ['touch to the same time', recordOf({ expiresAt: now + 90_000 }), 0, 'touch', 'touched', ['UpdateItem']],
  ]
  test.each(cases)('a %s has the right outcome', async (_what, stored, later, method, answer, requests) => {
    it.gateway.tellsOld = tells
    const key = keyOf()
    if (stored) await it.other.create(key, stored, now)
    const before = await itemOf(key)
    const at = now + later
    expect(
      method === 'replace'
        ? await it.store.replace(key, asExpected(recordOf()), recordOf({ revision: 2 }), at)
        : await it.store.touch(key, asExpected(recordOf()), at + 90_000, at),
    ).toBe(answer)
    expect(it.gateway.requests).toEqual(tells ? requests : [requests[0], 'GetItem'])
    expect(await itemOf(key)).toEqual(before)
  })
})

test('a refused write is retried if the read after it shows that it can now be made', async () => {
  const key = keyOf()
  const record = recordOf()
  await it.other.create(key, record, now)
  it.gateway.before = async (operation) => {
    // A server whose clock is a little behind.
    if (operation === 'GetItem')
      await it.other.touch(key, asExpected(record), record.expiresAt + 60_000, record.expiresAt - 1)
  }
  expect(await it.store.replace(key, asExpected(record), recordOf({ revision: 2 }), record.expiresAt)).toBe('replaced')
  expect(it.gateway.requests).toEqual(['PutItem', 'GetItem', 'PutItem'])
})

test('a write that is refused again and again, though each read says that it could be made, gives up unapplied', async () => {
  const key = keyOf()
  it.gateway.before = async (operation) => {
    await it.other.delete(key, now)
    await it.other.create(key, recordOf({ expiresAt: operation === 'PutItem' ? now - 1 : now + 1000 }), now - 1000)
  }
  const replaced = it.store.replace(key, asExpected(recordOf()), recordOf({ revision: 2 }), now)
  await expect(replaced).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(it.gateway.requests).toEqual(Array.from({ length: 5 }, () => ['PutItem', 'GetItem']).flat())
})

test('a create replaces an expired item that DynamoDB has not removed yet', async () => {
  const key = keyOf()
  await it.store.create(key, recordOf({ subject: 'ann' }), now)
  const next = recordOf({ expiresAt: now + 120_000 })
  expect(await it.store.create(key, next, now + 59_999)).toBe(false)
  expect(await it.store.create(key, next, now + 60_000)).toBe(true)
  expect(await it.store.read(key, now + 60_000)).toMatchObject({ expiresAt: next.expiresAt })
  expect((await itemOf(key))!['subject']).toBeUndefined()
})

describe('a subject with more sessions than one page of DynamoDB holds', () => {
  const ann = { id: 'ann', tag: 'annannannann' }
  const bob = keyOf(ann.tag)
  let keys: SessionKey[]

  beforeEach(async () => {
    keys = Array.from({ length: 130 }, () => keyOf(ann.tag))
    const payload = Buffer.alloc(400_000)
    const creates = keys.map((key, i) =>
      it.other.create(key, recordOf({ subject: 'ann', ...(i % 26 === 0 && { payload }) }), now),
    )
    await Promise.all([...creates, it.other.create(bob, recordOf({ subject: 'bob' }), now)])
  })

  test('is listed whole', async () => {
    const found = await all(it.store.list!(ann, now))
    expect(found.map(([{ id }]) => id).toSorted()).toEqual(keys.map(({ id }) => id).toSorted())
    expect(it.gateway.requests).toEqual(['Query', 'Query'])
  })

  test('is counted whole', async () => {
    expect(await sum(it.store.count!(now))).toBe(131)
    expect(it.gateway.requests).toEqual(['Scan', 'Scan'])
    expect(await sum(it.store.count!(now + 60_000))).toBe(0)
  })

  test('is signed out whole, except for the spared session; other subjects stay signed in', async () => {
    expect(await sum(it.store.deleteSubject!(ann, now, keys[7]))).toBe(129)
    expect((await all(it.other.list!(ann, now))).map(([key]) => key)).toEqual([keys[7]])
    expect(await it.other.read(bob, now)).toMatchObject({ subject: 'bob' })
    expect(it.gateway.requests.filter((operation) => operation === 'DeleteItem')).toHaveLength(129)
  })

  test('is signed out while one delete takes long', async () => {
    let deletes = 0
    const others = Promise.withResolvers<void>()
    it.gateway.before = async (operation) => {
      if (operation !== 'DeleteItem') return
      if (++deletes === 10) others.resolve()
      if (deletes === 1) await others.promise
    }
    expect(await sum(it.store.deleteSubject!(ann, now))).toBe(130)
  })

  test('is signed out whole by a second call, after the first call was interrupted', async () => {
    it.gateway.fates.set('DeleteItem', [])
    it.gateway.before = async () => {
      if (it.gateway.requests.length === 50)
        it.gateway.fates.set('DeleteItem', [{ status: 400, type: 'AccessDeniedException' }])
    }
    await expect(sum(it.store.deleteSubject!(ann, now))).rejects.toMatchObject({ code: 'configuration' })
    const left = (await all(it.other.list!(ann, now))).length
    expect(left).toBeGreaterThan(0)
    expect(await sum(it.store.deleteSubject!(ann, now))).toBe(left)
  })
})

describe('a revocation that is throttled', () => {
  const ann = { id: 'ann', tag: 'annannannann' }
  const throttled: Fate = { status: 400, type: 'ThrottlingException' }
  let store: SessionStore
  let requests: string[]
  beforeEach(async () => {
    // One try a request: what the client by itself tries again is none of this.
    const client = clientOf(it.gateway.port, 1)
    onTestFinished(() => client.destroy())
    store = dynamodbStore(client, { table: it.table })
    await Promise.all(
      Array.from({ length: 40 }, () => it.other.create(keyOf(ann.tag), recordOf({ subject: 'ann' }), now)),
    )
    requests = it.gateway.requests
    requests.length = 0
  })

  test('goes on with fewer simultaneous deletes, and ends every session once', async () => {
    it.gateway.fates.set(
      'DeleteItem',
      Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? undefined : throttled)),
    )
    expect(await sum(store.deleteSubject!(ann, now))).toBe(40)
    expect(await all(it.other.list!(ann, now))).toEqual([])
    expect(requests.filter((operation) => operation === 'DeleteItem')).toHaveLength(80)
  })

  test('rejects with a typed error if it makes no progress, and a second call ends the remaining sessions', async () => {
    it.gateway.fates.set('DeleteItem', [
      ...Array.from({ length: 10 }, () => undefined),
      ...Array.from({ length: 100 }, () => throttled),
    ])
    const pages: (number | undefined)[] = []
    const revoke = async (): Promise<void> => {
      for await (const page of store.deleteSubject!(ann, now)) pages.push(page)
    }
    await expect(revoke()).rejects.toMatchObject({ code: 'store_unavailable', cause: { name: 'ThrottlingException' } })
    expect(pages).toEqual([10, 0, 0, 0])
    it.gateway.fates.clear()
    expect(await sum(store.deleteSubject!(ann, now))).toBe(30)
  })
})

test('a revocation that is throttled from its start ends no session', async () => {
  const key = keyOf()
  await it.other.create(key, recordOf({ subject: 'ann' }), now)
  for (const operation of ['Query', 'DeleteItem']) {
    it.gateway.fates.set(operation, [{ status: 400, type: 'AccessDeniedException' }])
    const revoked = sum(it.store.deleteSubject!({ id: 'ann', tag: key.tag }, now))
    await expect(revoked).rejects.toMatchObject({ code: 'configuration' })
  }
  it.gateway.fates.set('DeleteItem', ['cut after'])
  const lost = sum(it.store.deleteSubject!({ id: 'ann', tag: key.tag }, now))
  await expect(lost).rejects.toMatchObject({ code: 'unknown_outcome' })
})

test('a revocation never ends a session of another subject that now has the same key', async () => {
  const key = keyOf()
  await it.other.create(key, recordOf({ subject: 'ann' }), now)
  it.gateway.before = async (operation) => {
    if (operation !== 'DeleteItem') return
    await it.other.delete(key, now)
    await it.other.create(key, recordOf({ subject: 'bob' }), now)
  }
  expect(await sum(it.store.deleteSubject!({ id: 'ann', tag: key.tag }, now))).toBe(0)
  expect(await it.other.read(key, now)).toMatchObject({ subject: 'bob' })
})

test('a revocation also ends expired sessions, because another server’s clock may be behind', async () => {
  const key = keyOf()
  await it.other.create(key, recordOf({ subject: 'ann' }), now)
  expect(await sum(it.store.deleteSubject!({ id: 'ann', tag: key.tag }, now + 60_000))).toBe(0)
  expect(await it.other.read(key, now)).toBeUndefined()
})

test('each operation sends the documented requests', async () => {
  const sessions = createSessions<{ n: number }>({ store: it.store, pepper: 'a pepper of some bytes', log: false })
  const costs = async (act: () => Promise<unknown>): Promise<string[]> => {
    it.gateway.requests.length = 0
    await act()
    return [...it.gateway.requests]
  }
  expect(await costs(async () => (await sessions.load(undefined)).commit())).toEqual([])
  const session = await sessions.load(undefined)
  session.data.n = 1
  let { cookieValue } = await session.commit()
  expect(await costs(async () => (await sessions.load(cookieValue)).commit())).toEqual(['GetItem'])
  const update = async () => (await sessions.load(cookieValue)).update((data) => void (data.n = 2))
  expect(await costs(update)).toEqual(['GetItem', 'PutItem'])
  const login = async () => ({ cookieValue } = await (await sessions.load(cookieValue)).login('ann'))
  expect(await costs(login)).toEqual(['GetItem', 'PutItem', 'PutItem'])
  expect(await costs(() => all(sessions.listSubject('ann')))).toEqual(['Query'])
  expect(await costs(async () => (await sessions.load(cookieValue)).logout())).toEqual(['GetItem', 'DeleteItem'])
  await (await sessions.load(undefined)).login('ann')
  expect(await costs(() => sessions.revokeSubject('ann'))).toEqual(['Query', 'DeleteItem'])
})

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { encodeRecord } from '@sess/core/adapter'
import { startRedis, type TestServer } from '@sess/test-servers'
import { stripped } from '../scripts/strip.ts'
import { clientOf, recordOf } from '../test/client.ts'
import { READ, WRITE } from './script-text.ts'
import { valuesOf } from './script.ts'

const readable = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')
const NOW = 1_700_000_000_000

let server: TestServer
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = clientOf(server.port)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})
beforeEach(() => redis.flushall())

test.each([
  [WRITE, 'write.lua'],
  [READ, 'read.lua'],
])('what is sent is the script without its comments and its indentation', (sent, file) => {
  expect(sent).toBe(stripped(readable(file)))
  expect(sent).not.toMatch(/^\s|--/m)
})

/** A change of a record of the tag `t`: its key, its index, its terms and its bytes. */
type Change = readonly [record: string, index: string, terms: readonly unknown[], bytes: Buffer | '']

const at = (expiresAt: number, revision: number, subject?: string): Buffer =>
  Buffer.from(encodeRecord(recordOf({ expiresAt, revision, ...(subject && { subject }) })))
const write = (id: string, expected: number, bytes: Buffer, index = `{t}${id}`): Change => [
  `{t}${id}`,
  index,
  [NOW, expected, '90000'],
  bytes,
]

/** One of every kind, in an order in which each meets what those before have left. */
const CHANGES: readonly (readonly Change[])[] = [
  [
    write('plain', -1, at(NOW + 9, 1)),
    write('owned', -1, at(NOW + 9, 1, 'ann'), '{t}@'),
    write('none', 4, at(NOW + 9, 5)),
  ],
  [write('plain', -1, at(NOW + 9, 1)), write('plain', 1, at(NOW + 9, 2)), write('plain', 1, at(NOW + 9, 2))],
  [
    write('plain', 2, at(NOW + 5, 2)),
    write('plain', 2, at(NOW + 30, 2)),
    write('owned', 1, at(NOW + 30, 1, 'ann'), '{t}@'),
  ],
  [write('list', -1, at(NOW + 9, 1)), write('ended', -1, at(NOW, 7)), write('ended', 7, at(NOW + 9, 8))],
  [
    ['{t}owned', '{t}@', [NOW, 'bob'], ''],
    ['{t}owned', '{t}@', [NOW, 'ann'], ''],
    ['{t}plain', '{t}@', [NOW, ''], ''],
  ],
  [['{t}plain', '{t}@', [NOW, ''], '']],
]

async function run(lua: string): Promise<unknown[]> {
  await redis.flushall()
  await redis.lpush('{t}list', 'somebody else uses this key')
  const seen: unknown[] = []
  for (const changes of CHANGES) {
    const keys = [...changes.flatMap(([record, index]) => [record, index]), '{t}']
    const terms = JSON.stringify(changes.map(([, , each]) => each))
    for (const once of ['1', '\0']) {
      const answer = await redis.eval(lua, keys.length, ...keys, once, terms, ...changes.map(([, , , bytes]) => bytes))
      seen.push(Array.isArray(answer) ? answer.map(String) : answer)
    }
    for (const key of (await redis.keys('*')).toSorted())
      seen.push(key, key.endsWith('@') ? await redis.zrange(key, 0, '-1') : await redis.dump(key))
  }
  return seen
}

test('the stripped script does what the readable script does', async () => {
  const sent = await run(WRITE)
  expect(sent).toEqual(await run(readable('write.lua')))
  expect(sent.filter((answer) => Array.isArray(answer) && !answer.includes('owned'))).toEqual([
    ['done', 'done', 'missing'],
    ['conflict', 'done', 'conflict'],
    ['done', 'done', 'done'],
    [expect.stringContaining('WRONGTYPE'), 'done', 'missing'],
    ['missing', 'done', 'done'],
    ['missing'],
  ])
  expect(sent.filter((answer) => answer === 'resent')).toHaveLength(CHANGES.length)
})

test('one value or many are read up to a length; a key of another type reads as empty, and a refusal of the server rejects', async () => {
  await redis.set('{t}short', 'abc')
  await redis.set('{t}long', Buffer.alloc(100_000, 'x'))
  await redis.lpush('{t}list', 'somebody else uses this key')
  const keys = ['{t}short', '{t}long', '{t}list', '{t}none']
  const expected = ['abc', 'x'.repeat(10), '', '']
  expect((await valuesOf(redis, keys, 9)).map(String)).toEqual(expected)
  const one = await Promise.all(keys.map((key) => valuesOf(redis, [key], 9)))
  expect(one.map(([value]) => String(value))).toEqual(expected)
  await redis.script('FLUSH')
  expect((await valuesOf(redis, keys, 9)).map(String)).toEqual(expected)
  await redis.acl('SETUSER', 'nobody', 'on', 'nopass', '~*', '+@all', '-getrange')
  const client = clientOf(server.port, { username: 'nobody', password: 'x' })
  for (const some of [keys, ['{t}none']])
    await expect(valuesOf(client, some, 9)).rejects.toThrow(/NOPERM|executing the script|ACL failure/)
  client.disconnect()
})

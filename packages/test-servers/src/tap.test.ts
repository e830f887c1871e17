import { expect, test } from 'vitest'
import { says, startRedis, tap } from './index.ts'

test('a tap passes on and counts what is sent, and drops requests or answers on demand', async () => {
  await using redis = await startRedis()
  await using way = await tap(redis.port)
  expect(await says(way.port, 'PING\r\n', /PONG/)).toBe(true)
  expect([way.turns, way.writes]).toEqual([1, 1])
  way.deaf = true
  expect(await says(way.port, 'SET a 1\r\n', /OK/)).toBe(false)
  expect(await says(redis.port, 'EXISTS a\r\n', /:0/)).toBe(true)
  way.deaf = false
  way.mute = true
  expect(await says(way.port, 'SET a 1\r\n', /OK/)).toBe(false)
  expect(await says(redis.port, 'EXISTS a\r\n', /:1/)).toBe(true)
  way.closed = true
  expect(await says(way.port, 'PING\r\n', /PONG/)).toBe(false)
})

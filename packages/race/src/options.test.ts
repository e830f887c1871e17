import { expect, test } from 'vitest'
import { settingsOf } from './options.ts'

const timeFor = (trials: number, maxTimeMs?: number): number =>
  settingsOf({
    servers: ['http://localhost'],
    writes: ['/a', '/b'],
    read: '/',
    trials,
    ...(maxTimeMs !== undefined && { maxTimeMs }),
  }).maxTimeMs

test('a run may take longer the more trials it makes, unless it is told how long', () => {
  expect([timeFor(1), timeFor(100), timeFor(1000), timeFor(100_000)]).toEqual([300_000, 300_000, 3_000_000, 86_400_000])
  expect([timeFor(1, 5000), timeFor(1000, 5000)]).toEqual([5000, 5000])
})

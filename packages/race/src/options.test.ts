import { expect, test } from 'vitest'
import { settingsOf, type RaceOptions } from './options.ts'

const timeFor = (trials: number, maxTimeMs?: number): number =>
  settingsOf({
    servers: ['http://localhost'],
    writes: ['/a', '/b'],
    read: '/',
    trials,
    ...(maxTimeMs !== undefined && { maxTimeMs }),
  }).maxTimeMs

test.each<[what: string, options: unknown, message: RegExp]>([
  [
    'an option that there is not',
    { servers: [], writes: [], read: '/', trails: 5 },
    /^trails is no option of race\(\)/,
  ],
  ['no options', undefined, /^servers must be a list/],
  ['a server that is no list', { servers: 'http://localhost', writes: [], read: '/' }, /^servers must be a list/],
  ['no read', { servers: [], writes: [] }, /^read must be text/],
])('%s is refused by name', (_, options, message) => {
  expect(() => settingsOf(options as RaceOptions)).toThrow(
    expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(message) as unknown }),
  )
})

test('the time limit of a run grows with its trials, unless an option sets the limit', () => {
  expect([timeFor(1), timeFor(100), timeFor(1000), timeFor(100_000)]).toEqual([300_000, 300_000, 3_000_000, 86_400_000])
  expect([timeFor(1, 5000), timeFor(1000, 5000)]).toEqual([5000, 5000])
})

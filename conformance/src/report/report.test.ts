import { expect, test } from 'vitest'
import { messageOf } from './report.ts'

test('an error says what its causes say, and comes to an end where it is a cause of itself', () => {
  const inner = new Error('the disk is full')
  expect(messageOf(new Error('not written', { cause: inner }))).toBe('not written: the disk is full')
  inner.cause = inner
  expect(messageOf(new Error('not written', { cause: inner }))).toBe('not written: the disk is full')
})

import { expect, test } from 'vitest'
import { messageOf } from './report.ts'

test('the message of an error includes the messages of its causes, even if an error is its own cause', () => {
  const inner = new Error('the disk is full')
  expect(messageOf(new Error('not written', { cause: inner }))).toBe('not written: the disk is full')
  inner.cause = inner
  expect(messageOf(new Error('not written', { cause: inner }))).toBe('not written: the disk is full')
})

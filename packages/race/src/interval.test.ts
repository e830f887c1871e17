import { expect, test } from 'vitest'
import { wilson } from './interval.ts'

// Newcombe, Statistics in Medicine 17 (1998), table I: method 3.
test.for([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
] as const)('the Wilson interval of %i of %i', ([found, judged, low, high]) => {
  const interval = wilson(found, judged)
  expect(interval[0]).toBeCloseTo(low, 4)
  expect(interval[1]).toBeCloseTo(high, 4)
})

test('the Wilson interval of all, and of none', () => {
  expect(wilson(29, 29)).toEqual([expect.closeTo(0.883, 3), 1])
  expect(wilson(0, 0)).toEqual([0, 1])
})

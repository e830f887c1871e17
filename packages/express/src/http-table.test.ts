import { httpCases } from '@sess/conformance/http'
import { describe, test } from 'vitest'
import { harnesses } from '../test/http-harness.ts'

describe.each(harnesses)('$name', (harness) => {
  test.each(httpCases)('$id: $text', (row) => row.run(harness))
})

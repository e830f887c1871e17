import { httpCases } from '@sess/conformance/http'
import { describe, test } from 'vitest'
import { harness } from '../test/http-harness.ts'

describe(harness.name, () => {
  test.each(httpCases)('$id: $text', (row) => row.run(harness))
})

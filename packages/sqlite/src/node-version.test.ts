import { expect, test } from 'vitest'
import { checkNode } from './node-version.ts'

test.each(['18.20.8', '20.20.2', '21.7.3'])('refuses Node.js %s, on which the driver would crash', (version) => {
  expect(() => checkNode(version)).toThrow(
    expect.objectContaining({ code: 'configuration', message: expect.stringContaining(`this is Node.js ${version}`) }),
  )
})

test.each(['22.0.0', '24.21.0', '100.0.0'])('takes Node.js %s', (version) => {
  expect(() => checkNode(version)).not.toThrow()
})

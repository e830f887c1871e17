import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { revive } from './revive.ts'
import { Tag } from './tags.ts'

// Under Jest, and under vitest's vmThreads, msgpackr may stand outside and give what the classes of another realm made.
test('the serializer accepts data that msgpackr decodes in another realm', () => {
  const read: unknown = runInNewContext(
    'new Map([["bytes", new Uint8Array([1, 2])], ["when", new Map([[date, 5]])], ["text", new Map([[text, new Uint8Array([65, 0])]])]])',
    { date: Tag.date, text: Tag.text },
  )
  expect(revive(read)).toStrictEqual({ bytes: new Uint8Array([1, 2]), when: new Date(5), text: 'A' })
})

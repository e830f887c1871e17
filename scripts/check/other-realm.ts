import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from './check.ts'

/** A test that runs in a context of node:vm, as in Jest: `fetch`, `structuredClone` and Node's modules come from outside of the context. */
const TESTS = `
import { parse } from 'node:querystring'
import { createSessions, memoryStore } from '@sess/core'
import { msgpackSerializer } from '@sess/msgpack'
import { expect, test } from 'vitest'

const plain = { a: [1, { b: 2 }] }
const fetched = await new Response(JSON.stringify(plain)).json()

test('the test realm differs from the realm of fetch', () => expect(fetched instanceof Object).toBe(false))

for (const [name, options] of [['JSON', {}], ['MessagePack', { serializer: msgpackSerializer() }]]) {
  const sessions = createSessions({ store: memoryStore(), log: false, ...options })
  const values = {
    'an answer of fetch': [fetched, plain],
    'a clone': [structuredClone(plain), plain],
    'a query': [parse('b=1'), { b: '1' }],
    ...(options.serializer && {
      'a cloned Date': [structuredClone(new Date(5)), new Date(5)],
      'a cloned Map': [structuredClone(new Map([['a', { b: 1 }]])), new Map([['a', { b: 1 }]])],
      'a cloned Set': [structuredClone(new Set([1])), new Set([1])],
      'cloned bytes': [structuredClone(new Uint8Array([1, 2])), new Uint8Array([1, 2])],
    }),
  }
  test.each(Object.entries(values))(name + ' carries %s', async (_, [value, expected]) => {
    const session = await sessions.load(undefined)
    session.data = { value }
    const { cookieValue } = await session.login('ann')
    expect((await session.commit()).status).toBe('unchanged')
    const read = await sessions.load(cookieValue)
    expect([read.data, read.subject]).toStrictEqual([{ value: expected }, 'ann'])
  })

  test(name + ' carries data and flash messages that were fetched', async () => {
    const session = await sessions.load(undefined)
    session.data = fetched
    session.flash('notice', fetched)
    const { cookieValue } = await session.commit()
    const read = await sessions.load(cookieValue)
    expect([read.data, read.flashed('notice')]).toStrictEqual([plain, [plain]])
  })
}
`

/**
 * Runs tests on the packed packages in vitest's `vmThreads`, where values of `fetch` and `structuredClone` have classes of another realm.
 * vitest must be installed in the project.
 */
export async function problemsInOtherRealm(project: string): Promise<string[]> {
  writeFileSync(join(project, 'other-realm.test.js'), TESTS)
  const { code, output } = await tool('vitest', ['run', '--pool=vmThreads', 'other-realm.test.js'], project)
  return code === 0 ? [] : [`In another realm, by vitest's vmThreads:\n${output}`]
}

import { randomBytes } from 'node:crypto'
import { createSessions, type SessionRecord } from '@sess/core'
import type { Case, CaseContext, Harness, Result, Space, Task } from './contract.ts'
import { runInProcess } from './process.ts'

/** How long a case may take, in ms. */
const PATIENCE = 60_000
const PEPPER = 'a pepper of the conformance kit'

/** Runs one case in a namespace of its own. Never rejects. */
export async function runCase(item: Case, harness: Harness): Promise<Result> {
  let space: Space
  try {
    space = await within(harness.open(), 'open')
    if (!space?.store || typeof space.connect !== 'function' || typeof space.close !== 'function')
      throw new TypeError('open() must resolve to { store, connect, close }')
  } catch (error) {
    return { status: 'harness-error', error }
  }
  const result = await tried(item, contextOf(harness, space))
  try {
    await within(space.close(), 'close')
  } catch (error) {
    return result.status === 'fail' ? result : { status: 'harness-error', error }
  }
  return result
}

async function tried(item: Case, context: CaseContext): Promise<Result> {
  try {
    const evidence = await within(Promise.resolve(item.requires?.(context)), item.id)
    if (evidence !== undefined) return { status: 'not-applicable', evidence }
    await within(item.run(context), item.id)
    return { status: 'pass' }
  } catch (error) {
    return { status: 'fail', error }
  }
}

function contextOf(harness: Harness, space: Space): CaseContext {
  const now = Date.now()
  return {
    harness,
    space,
    now,
    store: space.store,
    key: (tag = randomBytes(9).toString('base64url')) => ({ tag, id: randomBytes(12).toString('base64url') }),
    record: (parts: Partial<SessionRecord> = {}) => ({
      revision: 1,
      expiresAt: now + 60_000,
      payload: Buffer.from('payload'),
      ...parts,
    }),
    sessions: (time = { now }, store = space.store) =>
      createSessions({
        store,
        clock: () => time.now,
        pepper: PEPPER,
        log: false,
        ...(harness.seal && { seal: harness.seal }),
      }),
    processes(count: number, task: Task) {
      const { process: other } = harness
      if (!other || space.argument === undefined) throw new Error('the harness names no process module and argument')
      return Promise.all(Array.from({ length: count }, () => runInProcess(other.module, space.argument!, task)))
    },
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} did not end within ${PATIENCE / 1000} s`)), PATIENCE)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

import assert from 'node:assert/strict'
import type { SessionStore } from '@sess/core'
import type { Case } from '../contract.ts'
import { clause } from './case.ts'

const sessions = clause('scale', 'sessions')

/** What things cost. */
export const scale: readonly Case[] = [
  sessions(
    'calls',
    'An untouched visit costs no call, a read one, a write two, a login from an anonymous session three, a logout two.',
    async ({ sessions: open, store, now }) => {
      let calls: string[] = []
      const counting = new Proxy(store, {
        get(target, name: keyof SessionStore) {
          const value: unknown = target[name]
          if (typeof value !== 'function') return value
          return (...args: unknown[]) => {
            calls.push(name)
            return value.apply(target, args) as unknown
          }
        },
      })
      const it = open({ now }, counting)
      const costs = async (act: () => Promise<unknown>): Promise<string[]> => {
        calls = []
        await act()
        return calls
      }
      assert.deepEqual(await costs(async () => (await it.load(undefined)).commit()), [])
      const session = await it.load(undefined)
      session.data.n = 1
      const { cookieValue } = await session.commit()
      assert.deepEqual(await costs(async () => (await it.load(cookieValue)).commit()), ['read'])
      assert.deepEqual(await costs(async () => (await it.load(cookieValue)).update((data) => void (data.n = 2))), [
        'read',
        'replace',
      ])
      let next: string | undefined
      assert.deepEqual(
        await costs(async () => (next = (await (await it.load(cookieValue)).login('ann')).cookieValue)),
        ['read', 'create', 'replace'],
      )
      assert.deepEqual(await costs(async () => (await it.load(next)).logout()), ['read', 'delete'])
    },
  ),
]

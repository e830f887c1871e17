import { connect as open, type Socket } from 'node:net'
import {
  memoryStore,
  SessError,
  type SessErrorCode,
  type SessionKey,
  type SessionRecord,
  type SessionStore,
} from '@sess/core'
import type { Connection } from '../../src/index.ts'
import { messages, send, type Reply } from './serve.ts'

/** A client of a served store. Argument: its port. The module that the kit's other processes load. */
export async function connect(argument: string): Promise<Connection> {
  const socket = open(Number(argument), '127.0.0.1')
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const call = calling(socket)
  const store: SessionStore = {
    name: 'served',
    traits: memoryStore().traits,
    read: (...args) => call('read', args),
    create: (...args) => call('create', args),
    replace: (...args) => call('replace', args),
    touch: (...args) => call('touch', args),
    delete: (...args) => call('delete', args),
    async *list(...args) {
      yield* await call<(readonly [SessionKey, SessionRecord])[]>('list', args)
    },
    deleteSubject: (...args) => call('deleteSubject', args),
    count: (...args) => call('count', args),
    sweep: (...args) => call('sweep', args),
  }
  return { store, close: async () => void socket.destroy() }
}

function calling(socket: Socket): <T>(method: keyof SessionStore, args: unknown[]) => Promise<T> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  messages<Reply>(socket, ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id)!
    waiting.delete(id)
    if (!error) resolve(value)
    else if (error.code === undefined) reject(new Error(error.message))
    else reject(new SessError(error.code as SessErrorCode, error.message))
  })
  return <T>(method: keyof SessionStore, args: unknown[]) => {
    const id = ++last
    const answer = Promise.withResolvers<unknown>()
    waiting.set(id, answer)
    send(socket, { id, method, args })
    return answer.promise as Promise<T>
  }
}

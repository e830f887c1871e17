import { errorMonitor } from 'node:events'
import { clearTimeout, setTimeout } from 'node:timers'
import type { RedisClient } from './client.ts'

/** Until how long after the loss of a connection a call waits for a new one, in ms. Later calls fail at once. */
const RECONNECT_MS = 1000
/** Until how long after its start a call waits for a client that has never been connected, in ms. */
const FIRST_CONNECT_MS = 3000

/** The error of a call without a connection. Its cause is the error of the connection, if there was one. */
export class NoConnection extends Error {}

/** Tells whether a client is connected, and fails calls when it is not. */
export interface Outage {
  /** Undefined if the client is connected. Otherwise waits for a connection, and rejects with {@link NoConnection} when the time is over. */
  connected(): Promise<void> | undefined
  /** Returns the answer of a call, or rejects with {@link NoConnection} as soon as {@link lost} is called. */
  unlessLost<T>(call: Promise<T>): Promise<T>
  /** Call it when the connection was lost or could not be made: calls in flight reject. */
  lost(): void
  /** Removes the listeners from the client. */
  end(): void
}

/**
 * Watches the connection of a client. By default ioredis keeps a command without a connection for twenty attempts, and its error does
 * not say why there was no connection.
 */
export function outageOf(client: RedisClient): Outage {
  let since = performance.now()
  let patience = FIRST_CONNECT_MS
  let error: Error | undefined
  let waiting: PromiseWithResolvers<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const calls = new Set<(error: Error) => void>()

  const noConnection = (): NoConnection => {
    const { message, code } = (error ?? {}) as { message?: string; code?: string }
    // If several addresses refused, the error has a code, but no message.
    const reason = message || code || (client.advice ?? `the client's status is ${client.status}`)
    return new NoConnection(`no connection to Redis: ${reason}`, { cause: error })
  }
  const settle = (end: (waiter: PromiseWithResolvers<void>) => void): void => {
    clearTimeout(timer)
    const waiter = waiting
    waiting = undefined
    if (waiter) end(waiter)
  }
  const giveUp = (): void => settle((waiter) => waiter.reject(noConnection()))

  const onReady = (): void => {
    error = undefined
    patience = 0
    settle((waiter) => waiter.resolve())
  }
  const disconnected = (): void => {
    error = client.stream?.errored ?? error
    if (patience > 0) return
    since = performance.now()
    patience = RECONNECT_MS
  }
  const onError = (each: Error): void => void (error = each)
  if (client.status === 'ready') patience = 0
  // Not `error`: with a listener to it, ioredis would not print errors for an application that has no listener.
  const listeners = [
    ['ready', onReady],
    ['end', giveUp],
    ['sentinelError', onError],
    ['node error', onError],
    [errorMonitor, onError],
  ] as const
  for (const [event, listener] of listeners) client.on(event, listener)

  return {
    connected() {
      const { status } = client
      // The socket may have ended before its event arrives. It accepts nothing more.
      if (status === 'ready' && client.stream?.writable !== false) return undefined
      if (status === 'wait') {
        since = performance.now()
        client.connect().catch(() => {})
      }
      if (status === 'end' || client.options.enableOfflineQueue === false) return Promise.reject(noConnection())
      if (!waiting) {
        // The connection was lost, and its event has not arrived yet.
        if (patience === 0) disconnected()
        const left = since + patience - performance.now()
        if (left <= 0) return Promise.reject(noConnection())
        waiting = Promise.withResolvers()
        timer = setTimeout(giveUp, left)
      }
      return waiting.promise
    },
    unlessLost(call) {
      return new Promise((resolve, reject) => {
        calls.add(reject)
        call.then(resolve, reject).finally(() => calls.delete(reject))
      })
    },
    lost() {
      disconnected()
      if (calls.size === 0) return
      const lost = noConnection()
      for (const reject of calls) reject(lost)
    },
    end() {
      giveUp()
      for (const [event, listener] of listeners) client.off(event, listener)
    },
  }
}

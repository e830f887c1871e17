import { errorMonitor } from 'node:events'
import { clearTimeout, setTimeout } from 'node:timers'
import type { RedisClient } from './client.ts'

/** How long a call waits for a client that has lost its connection, in ms, counted from the loss; then it fails at once. */
const RECONNECT_MS = 1000
/** How long a call waits for a client that has never been connected, in ms, counted from its start. */
const FIRST_CONNECT_MS = 3000

/** What is thrown where there is no connection; its cause is the connection's own error, where there was one. */
export class NoConnection extends Error {}

/** Whether a client is connected. */
export interface Outage {
  /** Undefined: it is connected. Otherwise rejects with {@link NoConnection} at once, or when it has waited long enough. */
  connected(): Promise<void> | undefined
  /** The call's answer; rejects with {@link NoConnection} as soon as {@link lost} is called. */
  unlessLost<T>(call: Promise<T>): Promise<T>
  /** The client's connection was lost, or could not be made: calls under way have no answer any more. */
  lost(): void
  /** Takes its listeners from the client. */
  end(): void
}

/**
 * Watches a client's connection. ioredis keeps a command that finds no connection for twenty attempts, by default, and its
 * error says nothing of why there was none.
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
    // The error of several addresses that all refused has a code, and no message.
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
  // A listener to `error` itself would keep ioredis from printing an error that the application does not listen to.
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
      // A stream that has ended, and whose end has not arrived yet, takes nothing more.
      if (status === 'ready' && client.stream?.writable !== false) return undefined
      if (status === 'wait') {
        since = performance.now()
        client.connect().catch(() => {})
      }
      if (status === 'end' || client.options.enableOfflineQueue === false) return Promise.reject(noConnection())
      if (!waiting) {
        // The event may be on its way.
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

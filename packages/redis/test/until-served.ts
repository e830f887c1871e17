import { setTimeout as delay } from 'node:timers/promises'
import { isSessError } from '@sess/core'

/** Makes a call again while it is `store_unavailable`: a cluster on a busy machine may take a node for dead for a moment. */
export async function untilServed<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!isSessError(error) || error.code !== 'store_unavailable') throw error
      await delay(20)
    }
  }
}

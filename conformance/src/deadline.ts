import { HarnessError } from './result.ts'

/** Waits for the harness, so long and no longer, in ms. */
export async function within<T>(promise: Promise<T>, patience: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new HarnessError(`${what} did not end within ${patience / 1000} s`)), patience)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

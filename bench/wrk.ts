import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What wrk measured. */
export interface Load {
  readonly requests: number
  readonly perSecond: number
}

/**
 * Loads a URL with wrk: one thread, 32 connections, the cookies in turn.
 *
 * @param seconds - A whole number.
 * @throws {Error} When wrk is missing, or anything was not answered with 2xx or 3xx.
 * @see https://github.com/wg/wrk
 */
export async function load(url: string, cookies: readonly string[], seconds: number): Promise<Load> {
  const script = join(tmpdir(), `sess-bench-${process.pid}.lua`)
  const list = cookies.map((cookie) => `'${cookie}'`).join(',')
  await writeFile(
    script,
    `local cookies, i = {${list}}, 0
function request()
  if #cookies == 0 then return wrk.format() end
  i = i % #cookies + 1
  return wrk.format(nil, nil, { Cookie = cookies[i] })
end`,
  )
  try {
    const { stdout } = await promisify(execFile)('wrk', ['-t1', '-c32', `-d${seconds}s`, '-s', script, url])
    if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}:\n${stdout}`)
    const found = /(\d+) requests in [\s\S]*Requests\/sec:\s+([\d.]+)/.exec(stdout)
    if (!found) throw new Error(`wrk printed no rate:\n${stdout}`)
    return { requests: Number(found[1]), perSecond: Number(found[2]) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('wrk is not on the PATH; on Debian: apt-get install wrk', { cause: error })
    throw error
  } finally {
    await rm(script)
  }
}

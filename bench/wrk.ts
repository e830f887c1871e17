import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Loads a URL with wrk: one thread, 32 connections, the cookies in turn.
 *
 * @param seconds - A whole number.
 * @returns Requests per second.
 * @throws {Error} When wrk is missing, or anything was not answered with 2xx or 3xx.
 * @see https://github.com/wg/wrk
 */
export async function requestsPerSecond(url: string, cookies: readonly string[], seconds: number): Promise<number> {
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
    const found = /Requests\/sec:\s+([\d.]+)/.exec(stdout)
    if (!found) throw new Error(`wrk printed no rate:\n${stdout}`)
    return Number(found[1])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('wrk is not on the PATH; on Debian: apt-get install wrk', { cause: error })
    throw error
  } finally {
    await rm(script)
  }
}

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from '../process.mjs'
import { found, type Check } from './check.ts'
import { servers } from './stores.ts'

/** Programs that tests start: each is also the name of the Debian package that has it. */
const needed = ['chromium', ...servers]

const isThere = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const missing = (): string[] => needed.filter((program) => !isThere(program))

const apt = (...args: string[]): Promise<{ code: number; output: string }> =>
  run('apt-get', ['-qq', ...args], {
    capture: true,
    timeoutMs: 600_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })

/** Finds the real servers and the browser that the tests start, or installs them where that takes no question. */
export const serversCheck: Check = {
  name: 'servers',
  title: 'Servers and browser',
  async run() {
    const absent = missing()
    if (absent.length === 0) return found([], `Found ${needed.join(', ')}`)
    let printed = ''
    if (process.getuid?.() === 0 && isThere('apt-get')) {
      console.log(`Installing ${absent.join(', ')} with apt-get`)
      printed += (await apt('update')).output
      printed += (await apt('install', '-y', '--no-install-recommends', ...absent)).output
    }
    const still = missing()
    if (still.length === 0) return found([], `Installed ${absent.join(', ')}`)
    return found([
      `${printed}Not on the PATH: ${still.join(', ')}. To install on Debian:`,
      `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${still.join(' ')}`,
      'To test without servers: SESS_STORES=memory,sqlite npm test',
    ])
  },
}

import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { run } from '../process.mjs'
import { found, type Check } from './check.ts'
import { servers } from './stores.ts'

/** The Debian packages whose name differs from that of their program. */
const PACKAGES: Readonly<Record<string, string>> = {
  java: 'openjdk-17-jre-headless',
  initdb: 'postgresql',
  'redis-cli': 'redis-tools',
}

/** The programs that tests start. */
const needed = ['chromium', ...servers]

/** The folders of PostgreSQL's programs on Debian, for any version. */
const beside = globSync('/usr/lib/postgresql/*/bin')

const isThere = (program: string): boolean =>
  [...(process.env['PATH'] ?? '').split(delimiter), ...beside].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const missing = (): string[] => needed.filter((program) => !isThere(program))

const packagesOf = (programs: readonly string[]): string[] => programs.map((program) => PACKAGES[program] ?? program)

const apt = (...args: string[]): Promise<{ code: number; output: string }> =>
  run('apt-get', ['-qq', ...args], {
    capture: true,
    timeoutMs: 600_000,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })

/** Finds the servers and the browser that the tests start, or installs them if this is possible without a question. */
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
      printed += (await apt('install', '-y', '--no-install-recommends', ...packagesOf(absent))).output
    }
    const still = missing()
    if (still.length === 0) return found([], `Installed ${absent.join(', ')}`)
    return found([
      `${printed}Not on the PATH: ${still.join(', ')}. To install on Debian:`,
      `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packagesOf(still).join(' ')}`,
      'To test without servers: SESS_STORES=memory,sqlite npm test',
    ])
  },
}

import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isStopping, run } from './process.mjs'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const bin = join(root, 'node_modules', '.bin')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Runs npm: the one that runs this script, or else the one on the PATH. @param {readonly string[]} args */
function npm(args) {
  const cli = process.env['npm_execpath'] ?? ''
  return /npm-cli\.js$/.test(cli)
    ? run(process.execPath, [cli, ...args], { cwd: root })
    : run('npm', args, { cwd: root })
}

/**
 * Fetches the pinned pnpm and, with it, everything that the lockfile names, the pinned Node among it. Takes about a
 * second when all of that is there. Ends the process when it cannot.
 */
export async function bootstrap() {
  const version = process.versions.node
  if (Number(version.split('.')[0]) < 18) {
    console.error(`This is Node ${version}. Node 18 or later is needed to start; it fetches the Node that the project uses.`)
    process.exit(1)
  }
  const pnpm = manifest.packageManager
  console.log(`Installing with ${pnpm} from the lockfile (the first time this fetches ${pnpm} and Node ${manifest.devDependencies.node})`)
  const { code } = await npm([
    'exec',
    '--yes',
    '--loglevel=error',
    `--package=${pnpm}`,
    '--',
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--config.confirm-modules-purge=false',
    // Without it, binaries that ask for a newer Node than the one that runs this script would be left out.
    `--config.node-version=${manifest.devDependencies.node}`,
  ])
  if (code !== 0 && !isStopping()) {
    console.error(`\nThe install failed (exit code ${code}). It needs npm and the npm registry. What pnpm said is above.`)
  }
  if (code !== 0) process.exit(code)
}

/**
 * Runs a script of this repository under the pinned Node, and ends this process with its exit code.
 *
 * @param {readonly string[]} args The script, from the root, and its arguments.
 */
export async function runPinned(args) {
  const { code } = await run(join(bin, 'node'), args, {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
  })
  process.exit(code)
}

import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isStopping, run } from './process.mjs'

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** @type {{ packageManager: string }} */
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The version of Node that the catalog pins. */
const node = /^ {2}node: (\S+)$/m.exec(readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8'))?.[1]

/**
 * Runs the pinned pnpm, which npm fetches the first time: the npm that runs this script, or else the one on the PATH.
 *
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function pnpm(args, options = {}) {
  const cli = process.env['npm_execpath'] ?? ''
  const [command, ...before] = cli.endsWith('npm-cli.js') ? [process.execPath, cli] : ['npm']
  const exec = ['exec', '--yes', '--loglevel=error', `--package=${manifest.packageManager}`, '--', 'pnpm']
  return run(command, [...before, ...exec, ...args], { cwd: root, ...options })
}

/**
 * Fetches the pinned pnpm and, with it, what the lockfile names, the pinned Node among it. Takes about a second when all of
 * that is there. Ends the process when it cannot.
 *
 * @param {string} [project] The name of a project of the workspace: where no more than that was ever installed, install
 *   only what this project needs to run. Default: install everything.
 */
export async function bootstrap(project) {
  const version = process.versions.node
  if (Number(version.split('.')[0]) < 18) {
    console.error(
      `This is Node ${version}. Node 18 or later is needed to start; it fetches the Node that the project uses.`,
    )
    process.exit(1)
  }
  // An installation of everything is left whole: pnpm would remove what the project alone does not need.
  const part = project !== undefined && !existsSync(join(root, 'node_modules', '.bin', 'node'))
  const what = part ? `what ${project} needs` : 'everything'
  console.log(
    `Installing ${what} from the lockfile with ${manifest.packageManager}; the first time this fetches Node ${node} too`,
  )
  const { code } = await pnpm([
    'install',
    '--frozen-lockfile',
    ...(part ? ['--prod', '--filter-prod', `${project}...`] : []),
    '--config.confirm-modules-purge=false',
    // The age of what the whole lockfile names is looked at where all of it is installed: that fetches 132 MB of metadata.
    ...(part ? ['--config.minimum-release-age=0'] : []),
    // Without it, binaries that ask for a newer Node than the one that runs this script would be left out.
    `--config.node-version=${node}`,
  ])
  if (code !== 0 && !isStopping()) {
    console.error(
      `\nThe install failed (exit code ${code}). It needs npm and the npm registry. What pnpm said is above.`,
    )
  }
  if (code !== 0) process.exit(code)
}

/**
 * Runs a script of this repository under the pinned Node, and ends this process with its exit code.
 *
 * @param {string} folder That of the project whose Node it is, from the root: `.` is the root's.
 * @param {readonly string[]} args The script, from the root, and its arguments.
 */
export async function runPinned(folder, args) {
  const bin = join(root, folder, 'node_modules', '.bin')
  const { code } = await run(join(bin, 'node'), args, {
    cwd: root,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
  })
  process.exit(code)
}

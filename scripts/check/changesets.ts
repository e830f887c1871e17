import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { found, problemsOf, type Check } from './check.ts'
import { publicPackages, type Package } from './workspace.ts'

/** The packages that the pending changesets name. */
function announced(problems: string[]): Set<string> {
  const names = new Set<string>()
  for (const file of globSync('.changeset/*.md', { cwd: root })) {
    const [, head, text] = /^---\n(.*?)---\n(.*)$/s.exec(readFileSync(join(root, file), 'utf8')) ?? []
    if (head === undefined || text === undefined || text.trim() === '') {
      problems.push(`${file}: not a changeset: packages between two lines of ---, then what changes for their users`)
      continue
    }
    for (const [, name] of head.matchAll(/^['"]?([^'":]+)['"]?: (?:major|minor|patch)$/gm)) {
      if (!publicPackages.some(({ manifest }) => manifest.name === name)) {
        problems.push(`${file}: ${name} is no published package of this workspace`)
      }
      names.add(name!)
    }
  }
  return names
}

async function git(...args: string[]): Promise<string> {
  const { code, output } = await run('git', args, { cwd: root, capture: true })
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output}`)
  return output.trim()
}

/** The last commit that changed a file; empty when there is none. */
const lastChange = (file: string): Promise<string> => git('log', '-1', '--format=%H', '--', file)

/** Whether the published files of a package have changed since its last release, which is the last change of its CHANGELOG. */
async function changed({ folder }: Package): Promise<boolean> {
  const release = await lastChange(`${folder}/CHANGELOG.md`)
  const shipped = [`${folder}/src`, `${folder}/package.json`, `:!${folder}/src/**/*.test.ts`]
  if (release === '') return (await git('ls-files', '--', `${folder}/src`)) !== ''
  return (await git('diff', '--name-only', release, '--', ...shipped)) !== ''
}

/** Checks that a changeset names every package that has changed for its users. It needs no remote repository. */
export const changesets: Check = {
  name: 'changesets',
  title: 'Changesets',
  async run() {
    const problems: string[] = []
    const names = announced(problems)
    for (const each of publicPackages) {
      if (!names.has(each.manifest.name) && (await changed(each))) {
        problems.push(
          `${each.manifest.name} has changed since its last release, and no file in .changeset/ names it: npx changeset`,
        )
      }
    }
    const since = (await lastChange('*CHANGELOG.md')) || (await git('rev-list', '--max-parents=0', 'HEAD'))
    problems.push(...(await problemsOf('changeset', ['status', `--since=${since.split('\n')[0]}`])))
    return found(problems)
  },
}

import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { found, problemsOf, type Check } from './check.ts'
import { packages } from './workspace.ts'

/** Builds every package from scratch, and type-checks the code that is not built: tests, examples, scripts. */
export const types: Check = {
  name: 'types',
  title: 'Build and types',
  async run() {
    const solution = readFileSync(join(root, 'tsconfig.json'), 'utf8')
    // tsc does not remove the output of deleted sources, which would then be packed.
    for (const { path } of packages) rmSync(join(path, 'dist'), { recursive: true, force: true })
    const unbuilt = packages
      .filter(({ folder }) => !solution.includes(`"${folder}"`))
      .map(({ folder }) => `tsconfig.json does not refer to ${folder}`)
    return found([...unbuilt, ...(await problemsOf('tsc', ['-b']))])
  },
}

/** Lints, with the rules that need types. */
export const lint: Check = {
  name: 'lint',
  title: 'Lint',
  run: async () => found(await problemsOf('oxlint', [])),
}

/** Compares the formatting of every file. */
export const format: Check = {
  name: 'format',
  title: 'Format',
  run: async () => found(await problemsOf('oxfmt', ['--check'])),
}

/** Looks for files, exports and dependencies that nothing uses. */
export const unused: Check = {
  name: 'unused',
  title: 'Unused code and dependencies',
  run: async () => found(await problemsOf('knip', ['--no-progress', '--treat-config-hints-as-errors'])),
}

import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../process.mjs'
import { publicPackages, type Manifest } from './workspace.ts'

/** A program that is type-checked alone, so that imports of other programs add no types to it. */
interface Program {
  readonly specifiers: readonly string[]
  /** The packages of `@types` that it has without an import. */
  readonly types: readonly string[]
}

const OPTIONS = { noEmit: true, strict: true, skipLibCheck: false, module: 'nodenext', target: 'es2024' }

/** The package that declares another type for `req.session`, beside which TypeScript reports an error; its README says what to do. */
const EXPRESS = '@sess/express'

/** The error for two different declarations of a property. */
const TWO_TYPES = 'TS2717'

/**
 * Type-checks, with library checks, each package in a project without the types of Node, so that the package has to install them; and all
 * packages together with the types of express-session. The packages are installed from tarballs in the project's node_modules.
 *
 * @param needNone - The entries that need no types of Node.
 */
export async function problemsOfTypes(project: string, needNone: readonly string[]): Promise<string[]> {
  const entries = publicPackages.flatMap(({ manifest }) => specifiersOf(manifest))
  const others = publicPackages
    .map(({ manifest }) => specifiersOf(manifest).filter((specifier) => !needNone.includes(specifier)))
    .filter((specifiers) => specifiers.length > 0)
  const programs: Program[] = [
    ...others.map((specifiers) => ({ specifiers, types: [] })),
    { specifiers: entries.filter((specifier) => specifier !== EXPRESS), types: ['node', 'express-session'] },
  ]
  const problems = (await compiled(project, 'types', programs)).map(
    (line) => `The packages as published do not compile: ${line}`,
  )
  const both = await compiled(project, 'express', [{ specifiers: [EXPRESS], types: ['node', 'express-session'] }])
  if (both.length !== 1 || !both[0]!.includes(TWO_TYPES) || !both[0]!.includes('@types/express-session'))
    problems.push(`${EXPRESS} beside @types/express-session, which its README speaks of:\n${both.join('\n')}`)
  return [...problems, ...publicPackages.flatMap(({ manifest }) => undeclared(project, manifest))]
}

/** The specifiers that a package exports: `@sess/conformance/vitest`. */
export function specifiersOf({ name, exports = {} }: Manifest): string[] {
  return Object.keys(exports).map((path) => name + path.slice(1))
}

/** Compiles programs, all in one run. @returns The errors. */
async function compiled(project: string, folder: string, programs: readonly Program[]): Promise<string[]> {
  const folders = programs.map(({ specifiers, types }, index) => {
    const path = join(project, folder, String(index))
    mkdirSync(path, { recursive: true })
    const imports = specifiers.map((specifier, number) => `export * as entry${number} from '${specifier}'`)
    writeFileSync(join(path, 'program.ts'), imports.join('\n'))
    writeFileSync(
      join(path, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...OPTIONS, types }, files: ['program.ts'] }),
    )
    return path
  })
  const bin = join(project, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [bin, '-b', '--pretty', 'false', ...folders]
  const { code, output } = await run(process.execPath, args, { cwd: project, capture: true, timeoutMs: 120_000 })
  const errors = output.split('\n').filter((line) => line.includes('error TS'))
  return code === 0 || errors.length > 0 ? errors : [`tsc ended with exit code ${code}:\n${output}`]
}

/** Finds packages whose declarations use the types of Node, but that do not depend on `@types/node`. */
function undeclared(project: string, { name, dependencies = {}, peerDependencies = {} }: Manifest): string[] {
  const declarations = join(project, 'node_modules', name, 'dist')
  const asks = globSync('**/*.d.ts', { cwd: declarations }).some((file) =>
    /^\/\/\/ <reference types="node"/m.test(readFileSync(join(declarations, file), 'utf8')),
  )
  const declared = '@types/node' in { ...dependencies, ...peerDependencies }
  return asks && !declared
    ? [`${name}: its types stand on those of Node, and package.json does not ask for @types/node`]
    : []
}

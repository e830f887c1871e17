import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pnpm, root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { cache, found, problemsOf, tool, type Check } from './check.ts'
import { blocksOf } from './docs.ts'
import { problemsInOtherRealm } from './other-realm.ts'
import { problemsOfTypes, specifiersOf } from './published-types.ts'
import { catalogVersion, publicPackages, type Manifest, type Package } from './workspace.ts'

const folder = join(cache, 'packed')

const tarball = ({ name, version }: Manifest): string =>
  join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)

/** Finds dependencies with an exact version: an app could not install a patch of them without a release of ours. */
async function pinned(file: string): Promise<string[]> {
  const { output } = await run('tar', ['-xzOf', file, 'package/package.json'], { capture: true })
  const { name, dependencies = {} } = JSON.parse(output) as Manifest
  return Object.entries(dependencies)
    .filter(([dependency, range]) => !dependency.startsWith('@sess/') && !/^[\^~>]/.test(range))
    .map(
      ([dependency, range]) =>
        `${name}: its dependency ${dependency} must have a range that takes patches, not ${range}`,
    )
}

/** The ways of import that do not work for ES modules: TypeScript before 4.7, and `require`. */
const NOT_BY = new Set<unknown>(['node10', 'node16-cjs'])

/** The findings of "Are the types wrong?" in a tarball. By its API, because each call of its command would load TypeScript again. */
async function wrongTypes(file: string): Promise<string[]> {
  // Imported here, because it loads TypeScript.
  const { checkPackage, createPackageFromTarballData } = await import('@arethetypeswrong/core')
  const { problemKindInfo } = await import('@arethetypeswrong/core/problems')
  const analysis = await checkPackage(createPackageFromTarballData(await readFile(file)))
  if (analysis.types === false) return [`${analysis.packageName}: the tarball has no types`]
  return analysis.problems
    .filter((problem) => !('resolutionKind' in problem && NOT_BY.has(problem.resolutionKind)))
    .map(
      (problem) => `${analysis.packageName}: ${problemKindInfo[problem.kind].description}\n${JSON.stringify(problem)}`,
    )
}

/** The problems of a single tarball. */
async function inspect({ manifest }: Package): Promise<string[]> {
  const file = tarball(manifest)
  const { output } = await run('tar', ['-tzf', file], { capture: true })
  const files = output.split('\n').filter(Boolean)
  const absent = ['README.md', 'LICENSE'].filter((name) => !files.includes(`package/${name}`))
  const unwanted = files.filter((name) => /\.test\.|\.tsbuildinfo$/.test(name))
  return [
    ...absent.map((name) => `${manifest.name}: no ${name} in the tarball`),
    ...unwanted.map((name) => `${manifest.name}: ${name} does not belong in the tarball`),
    ...(await pinned(file)),
    ...(await problemsOf('publint', ['run', file, '--strict'])),
    ...(await wrongTypes(file)),
  ]
}

/** The tarball of each public package, as the version of a dependency. */
const tarballs: Readonly<Record<string, string>> = Object.fromEntries(
  publicPackages.map(({ manifest }) => [manifest.name, `file:${tarball(manifest)}`]),
)

/** Installs the tarballs and their peer dependencies into an empty project. */
async function install(project: string): Promise<string[]> {
  const peers = publicPackages
    .flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}))
    .filter((name) => !(name in tarballs))
  const types = ['@types/node', '@types/express-session']
  const pinned = [...peers, 'typescript', ...types].map((name) => [name, catalogVersion(name)])
  const others = { ...Object.fromEntries(pinned), [OLDER_TYPESCRIPT]: 'npm:typescript@~5.9.3' }
  return installed(project, { ...tarballs, ...others })
}

/** Installs dependencies into an empty project. */
async function installed(
  project: string,
  dependencies: Readonly<Record<string, string>>,
  withLockfile = true,
): Promise<string[]> {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  const builds = 'allowBuilds: { esbuild: false, msgpackr-extract: false }'
  writeFileSync(join(project, 'pnpm-workspace.yaml'), `overrides: ${JSON.stringify(tarballs)}\n${builds}\n`)
  // It pins the versions, so that all packages are in pnpm's store already.
  if (withLockfile) copyFileSync(join(root, 'pnpm-lock.yaml'), join(project, 'pnpm-lock.yaml'))
  const args = ['install', '--no-frozen-lockfile', '--prefer-offline', `--config.node-version=${process.versions.node}`]
  const { code, output } = await pnpm(args, { cwd: project, capture: true, timeoutMs: 300_000 })
  return code === 0 ? [] : [`The tarballs do not install:\n${output}`]
}

/** Runs a script in the project. */
async function problemsIn(project: string, name: string, code: string): Promise<string[]> {
  writeFileSync(join(project, name), code)
  const result = await run(process.execPath, [name], { cwd: project, capture: true, timeoutMs: 60_000 })
  return result.code === 0
    ? []
    : [`${name} on the packed packages ended with exit code ${result.code}:\n${result.output}`]
}

/** TypeScript 5.9, in addition to the version of the catalog. */
const OLDER_TYPESCRIPT = 'typescript-5'

/** The entries that compile without the types of Node. The other entries install these types. */
const NEED_NO_NODE = publicPackages
  .filter(({ manifest: { name } }) =>
    /^@sess\/(?:core|express|http|memcached|msgpack|node-redis|postgres|redis|redis-cluster|sealed|sqlite|tiered)$/.test(
      name,
    ),
  )
  .flatMap(({ manifest }) => specifiersOf(manifest))
  .filter((specifier) => !specifier.endsWith('/node'))

/** Data of the shapes that applications have. */
const SHAPES = `
import { createSessions, memoryStore } from '@sess/core'
const store = memoryStore()
createSessions<{ a: any; b: { c: any }; d: any[]; e: unknown; f: object; g: {} }>({ store })
createSessions<Record<string, any>>({ store })
createSessions<{ step: { kind: 'a'; x?: never } | { kind: 'b'; x: string }; none?: undefined }>({ store })
`
const NOT_IN_JSON = `
import { createSessions, memoryStore } from '@sess/core'
createSessions<{ cart: { at: Date }; n: number }>({ store: memoryStore() })
`

/** Type-checks the entries that need no types of Node, with two versions of TypeScript; and checks the compiler's message about a Date. */
async function withoutNodeTypes(project: string): Promise<string[]> {
  const entries = NEED_NO_NODE.map((specifier, index) => `export * as entry${index} from '${specifier}'`)
  writeFileSync(join(project, 'shapes.ts'), `${entries.join('\n')}\n${SHAPES}`)
  writeFileSync(join(project, 'not-in-json.ts'), NOT_IN_JSON)
  const problems: string[] = []
  for (const compiler of ['typescript', OLDER_TYPESCRIPT]) {
    const check = async (file: string): Promise<{ code: number | null; output: string }> => {
      const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', target: 'es2024', types: [] }
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
      const bin = join(project, 'node_modules', compiler, 'bin', 'tsc')
      return run(process.execPath, [bin, '-p', '.'], { cwd: project, capture: true, timeoutMs: 120_000 })
    }
    const shapes = await check('shapes.ts')
    if (shapes.code !== 0) problems.push(`${compiler}, without the types of Node:\n${shapes.output}`)
    const { code, output } = await check('not-in-json.ts')
    if (code === 0 || !output.includes('DataNotInJson<"cart", Date, "store it as text'))
      problems.push(`${compiler}: the error for a Date in JSON does not name its key and the cure:\n${output}`)
  }
  rmSync(join(project, 'tsconfig.json'))
  return problems
}

/** Imports every export, starts every command, and runs the README's first example, as a user would. */
async function use(project: string): Promise<string[]> {
  const specifiers = publicPackages.flatMap(({ manifest }) => specifiersOf(manifest))
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from '${specifier}'`)
  const entries = specifiers.map((_, index) => `entry${index}`).join(', ')
  const problems = await problemsIn(
    project,
    'imports.ts',
    `${imports.join('\n')}\nfor (const entry of [${entries}]) if (Object.keys(entry).length === 0) throw new Error('exports nothing')\n`,
  )
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--types', 'node']
  const options = ['--noEmit', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck', 'false', ...strict]
  const types = await tool('tsc', [...options, 'imports.ts'], project)
  const ours = types.output
    .split('\n')
    .filter((line) => /@sess\/|^imports\.ts|^error/.test(line) && line.includes('error TS'))
  problems.push(
    ...ours,
    ...(await withoutNodeTypes(project)),
    ...(await problemsOfTypes(project, NEED_NO_NODE)),
    ...(await problemsInOtherRealm(project)),
  )

  for (const { manifest } of publicPackages) {
    for (const command of Object.keys(manifest.bin ?? {})) {
      const file = join(project, 'node_modules', '.bin', command)
      const { code, output } = await run(file, ['--help'], { cwd: project, capture: true, timeoutMs: 60_000 })
      if (code !== 0 || output.trim() === '')
        problems.push(`${command} --help ended with exit code ${code}:\n${output}`)
    }
  }
  const example = (existsSync(join(root, 'README.md')) ? blocksOf('README.md') : []).find(({ flags }) =>
    flags.includes('run'),
  )
  if (example === undefined) return [...problems, 'README.md has no example marked ```ts run']
  return [...problems, ...(await problemsIn(project, 'readme.ts', example.code))]
}

const NODE_REDIS = '@sess/node-redis'

/** Installs @sess/node-redis as its README says, and checks that ioredis is neither installed nor needed. */
async function withoutIoredis(): Promise<string[]> {
  const project = mkdtempSync(join(tmpdir(), 'sess-packed-'))
  try {
    const chosen = ['@sess/core', NODE_REDIS].map((name) => [name, tarballs[name]!])
    const others = ['redis', '@types/node'].map((name) => [name, catalogVersion(name)])
    // The lockfile of the workspace has ioredis for other packages.
    const refused = await installed(project, Object.fromEntries([...chosen, ...others]), false)
    if (refused.length > 0) return refused
    const there = globSync('node_modules/.pnpm/*ioredis*', { cwd: project })
    const code = `import { redisStore } from '${NODE_REDIS}'\nimport { createClient } from 'redis'\nredisStore(createClient())\n`
    const problems = await problemsIn(project, 'node-redis.ts', code)
    const { code: exit, output } = await tool(
      'tsc',
      ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node', 'node-redis.ts'],
      project,
    )
    if (exit !== 0) problems.push(`${NODE_REDIS} without ioredis does not compile:\n${output}`)
    return [...there.map((name) => `${NODE_REDIS} has installed ${name}`), ...problems]
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

/** Packs every public package, inspects the tarballs, installs them into an empty project, and uses them there. */
export const packaging: Check = {
  name: 'packaging',
  title: 'Packages as published',
  async run() {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const filters = publicPackages.flatMap((each) => ['--filter', each.manifest.name])
    const packed = await pnpm(['-r', ...filters, 'pack', '--pack-destination', folder], { capture: true })
    if (packed.code !== 0) return found([packed.output])
    const problems = (await Promise.all(publicPackages.map(inspect))).flat()
    const project = mkdtempSync(join(tmpdir(), 'sess-packed-'))
    try {
      const refused = await install(project)
      problems.push(...(refused.length > 0 ? refused : await use(project)), ...(await withoutIoredis()))
    } finally {
      rmSync(project, { recursive: true, force: true })
    }
    return found(problems, `${globSync('*.tgz', { cwd: folder }).length} tarballs`)
  },
}

import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import budgets from './budgets.json' with { type: 'json' }
import { found, type Check } from './check.ts'
import { publicPackages } from './workspace.ts'

interface Budget {
  readonly package: string
  readonly title: string
  /** The exports that a user's bundle takes. */
  readonly names: readonly string[]
  /** What the bundle leaves out, apart from Node's own modules and the package's peers. */
  readonly external: readonly string[]
  /** No file whose name begins so may be in the bundle. */
  readonly without?: string
  /** Gzipped. */
  readonly maxBytes: number
}

/** Bundles and minifies what a user would import; the line says how large it is. */
async function measure(budget: Budget): Promise<{ line: string; problems: string[] }> {
  const owner = publicPackages.find(({ manifest }) => manifest.name === budget.package)
  if (owner === undefined)
    throw new Error(`budgets.json names ${budget.package}, which is no package of this workspace`)
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${budget.names.join(', ')} } from '${budget.package}'`, resolveDir: owner.path },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    external: [...budget.external, ...Object.keys(owner.manifest.peerDependencies ?? {})],
    write: false,
    metafile: true,
    logLevel: 'silent',
  }).catch((error: unknown) => {
    throw new Error(`${budget.package} cannot be bundled`, { cause: error })
  })
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  const label = `${budget.package} ${budget.title}`
  const problems = bytes > budget.maxBytes ? [`${label}: ${bytes} bytes are more than ${budget.maxBytes}`] : []
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  for (const [file, { bytesInOutput }] of inputs) {
    if (budget.without !== undefined && bytesInOutput > 0 && file.split('/').at(-1)!.startsWith(budget.without)) {
      problems.push(`${label}: ${file} is in the bundle and was to be left out`)
    }
  }
  return { line: `${String(bytes).padStart(6)} of ${budget.maxBytes} bytes gzipped: ${label}`, problems }
}

/** Holds bundles to their budgets. */
export const sizes: Check = {
  name: 'sizes',
  title: 'Size budgets',
  async run() {
    const results = await Promise.all((budgets satisfies Budget[]).map(measure))
    return found(
      results.flatMap(({ problems }) => problems),
      results.map(({ line }) => line).join('\n'),
    )
  },
}

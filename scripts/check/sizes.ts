import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import budgets from './budgets.json' with { type: 'json' }
import { found, type Check } from './check.ts'
import { publicPackages } from './workspace.ts'

interface Budget {
  readonly package: string
  readonly title: string
  /** The exports in the bundle. */
  readonly names: readonly string[]
  /** Further modules that are not in the bundle, besides Node's own modules and the package's peers. */
  readonly external: readonly string[]
  /** A source file of the package that must not be in the bundle. */
  readonly without?: string
  /** The largest size of the bundle, in bytes, gzipped. */
  readonly maxBytes: number
}

interface Measured {
  readonly line: string
  readonly problems: readonly string[]
}

/** Bundles and minifies the exports, as for a user. */
async function measure({ package: name, title, names, external, without, maxBytes }: Budget): Promise<Measured> {
  const label = `${name} ${title}`
  const owner = publicPackages.find(({ manifest }) => manifest.name === name)
  if (owner === undefined) return { line: '', problems: [`${label}: no such package in this workspace`] }
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names.join(', ')} } from '${name}'`, resolveDir: owner.path },
    absWorkingDir: owner.path,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    external: [...external, ...Object.keys(owner.manifest.peerDependencies ?? {})],
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length
  const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const problems: string[] = []
  if (bytes > maxBytes) problems.push(`${label}: ${bytes} bytes are more than ${maxBytes}`)
  if (without !== undefined && !existsSync(join(owner.path, without))) problems.push(`${label}: there is no ${without}`)
  if (bundled.some(([file, { bytesInOutput }]) => file === without && bytesInOutput > 0)) {
    problems.push(`${label}: ${without} is in the bundle and was to be left out`)
  }
  return { line: `${String(bytes).padStart(6)} of ${maxBytes} bytes gzipped: ${label}`, problems }
}

/** Checks the sizes of bundles against their budgets. */
export const sizes: Check = {
  name: 'sizes',
  title: 'Size budgets',
  async run() {
    const results = await Promise.all(
      (budgets satisfies Budget[]).map((budget) =>
        measure(budget).catch((error: unknown) => ({ line: '', problems: [`${budget.package}: ${String(error)}`] })),
      ),
    )
    return found(
      results.flatMap(({ problems }) => problems),
      results
        .map(({ line }) => line)
        .join('\n')
        .trim(),
    )
  },
}

import { globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { cache, found, problemsOf, type Check } from './check.ts'
import { problemsOfDecisions } from './decisions.ts'
import { deadLinksOf } from './links.ts'
import { packages } from './workspace.ts'

/** A block of TypeScript in a document: a fenced block with the word `ts`, and perhaps another word. */
export interface Block {
  /** The path of the document, from the root. */
  readonly document: string
  /** The number of its first line of code. */
  readonly line: number
  readonly code: string
  /** `run`: execute the block too. `continue`: the block continues the one before it. `no-check`: skip the block. */
  readonly flags: readonly string[]
}

const knownFlags = ['run', 'continue', 'no-check']

/** Finds the blocks of TypeScript in a document. @throws {Error} For an unknown word after `ts`. */
export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(/^( *)(`{3,})([^\n`]*)\n(.*?)^ *\2`*$/gms)].flatMap((match) => {
    const [, indent = '', , info = '', code = ''] = match
    const [language, ...flags] = info.trim().split(/\s+/)
    if (language !== 'ts') return []
    const line = text.slice(0, match.index).split('\n').length + 1
    const unknown = flags.filter((flag) => !knownFlags.includes(flag))
    if (unknown.length > 0)
      throw new Error(`${document}:${line - 1}: unknown flag ${unknown.join(' ')} on a block of ts`)
    return [{ document, line, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), flags }]
  })
}

/** Code of a document that uses a fixed text if an environment variable is not set: a public pepper, or a wrong server. */
function fallbacksIn(document: string): string[] {
  return blocksOf(document)
    .filter(({ code }) => /process\.env(?:\.\w+|\[[^\]]*\])\s*(?:\?\?|\|\|)\s*['"`]/.test(code))
    .map(({ line }) => `${document}:${line} has a text for a variable that is not set; an unset variable must stop it`)
}

const folder = join(cache, 'docs')

/** Lets the blocks import the packages of the workspace, and everything that one of these can import. */
function linkModules(): void {
  const targets = new Map(packages.map(({ path, manifest }) => [manifest.name, path]))
  for (const { path } of packages) {
    const modules = join(path, 'node_modules')
    for (const name of globSync(['@*/*', '[!.@]*'], { cwd: modules })) {
      if (!targets.has(name)) targets.set(name, join(modules, name))
    }
  }
  for (const [name, target] of targets) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(target, link)
  }
}

const config = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    noEmit: true,
    composite: false,
    isolatedDeclarations: false,
    declarationMap: false,
    sourceMap: false,
    // An example may end with a value that the reader uses.
    noUnusedLocals: false,
    noUnusedParameters: false,
    // The default of the compiler with `strict`, so that examples may write `data.visits`.
    noPropertyAccessFromIndexSignature: false,
    types: ['node'],
  },
}

/** The files of the blocks of one document. */
interface Written {
  readonly document: string
  readonly folder: string
  readonly blocks: number
  readonly toRun: readonly { readonly line: number; readonly file: string }[]
  /** The document declares types for other modules, which other documents must not see. */
  readonly declares: boolean
}

/** Writes the blocks of a document into a folder of its own. */
function write(document: string): Written {
  const blocks = blocksOf(document).filter(({ flags }) => !flags.includes('no-check'))
  const here = join(folder, document.replaceAll('/', '-'))
  if (blocks.length > 0) mkdirSync(here, { recursive: true })
  const toRun: { line: number; file: string }[] = []
  let before = ''
  let file = ''
  for (const { line, code, flags } of blocks) {
    const goesOn = flags.includes('continue') && file !== ''
    if (!goesOn) file = /^\/\/ ([\w-]+\.ts)\n/.exec(code)?.[1] ?? `line-${line}.ts`
    // Empty lines before the code, so that messages have the line numbers of the document.
    const lead = goesOn ? before : ''
    before = lead + '\n'.repeat(line - 1 - (lead.split('\n').length - 1)) + code
    writeFileSync(join(here, file), /^(import|export)\b/m.test(code) || goesOn ? before : `${before}export {}\n`)
    if (flags.includes('run')) toRun.push({ line, file })
  }
  const declares = blocks.some(({ code }) => /^\s*declare (module|global)\b/m.test(code))
  return { document, folder: here, blocks: blocks.length, toRun, declares }
}

/**
 * Type-checks documents as one program, because most of the time goes into their common imports. The folder has the configuration of the
 * program.
 */
async function typeCheck(documents: readonly Written[], at: string): Promise<string[]> {
  if (documents.length === 0) return []
  const include = documents.map((each) => join(each.folder, '*.ts'))
  writeFileSync(join(at, 'tsconfig.json'), JSON.stringify({ ...config, include }))
  const problems = await problemsOf('tsc', ['-p', at])
  return problems.map((text) =>
    text.replaceAll(/^\.cache\/docs\/([^/]+)\/([\w-]+\.ts)\((\d+),\d+\)/gm, (all, name: string, file, line) => {
      const written = documents.find((each) => each.folder === join(folder, name))
      return written ? `${written.document}:${line} (${file})` : all
    }),
  )
}

/** Runs the blocks of a document that are marked `run`. */
async function runBlocks({ document, folder: here, toRun }: Written): Promise<string[]> {
  const problems: string[] = []
  for (const { line, file } of toRun) {
    const { code, output } = await run(process.execPath, [file], { cwd: here, capture: true, timeoutMs: 60_000 })
    if (code !== 0) problems.push(`${document}:${line} ended with exit code ${code}:\n${output}`)
  }
  return problems
}

/** Type-checks every block of TypeScript in the documents, runs those marked `ts run`, and checks links and the index of decisions. */
export const docs: Check = {
  name: 'docs',
  title: 'Code in the documents',
  async run() {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    linkModules()
    const documents = globSync(['*.md', 'docs/**/*.md', ...packages.map((each) => `${each.folder}/README.md`)], {
      cwd: root,
    })
    const written = documents.toSorted().map(write)
    const blocks = written.reduce((sum, each) => sum + each.blocks, 0)
    const apart = written.filter(({ declares }) => declares)
    const shared = written.filter((each) => each.blocks > 0 && !each.declares)
    const texts = [...problemsOfDecisions(), ...documents.flatMap(deadLinksOf), ...documents.flatMap(fallbacksIn)]
    const problems = [...texts, ...(await typeCheck(shared, folder))]
    for (const each of apart) problems.push(...(await typeCheck([each], each.folder)))
    const ran = written.reduce((sum, each) => sum + each.toRun.length, 0)
    if (problems.length === 0) for (const each of written) problems.push(...(await runBlocks(each)))
    if (blocks === 0) problems.push('The documents hold no block of ts')
    return found(problems, `${blocks} blocks of ts in ${documents.length} documents, ${ran} of them run`)
  },
}

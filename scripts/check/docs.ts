import { globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../bootstrap.mjs'
import { run } from '../process.mjs'
import { cache, found, problemsOf, type Check } from './check.ts'
import { packages } from './workspace.ts'

/** A block of TypeScript in a document, between fences whose first says `ts` and perhaps more. */
export interface Block {
  /** From the root. */
  readonly document: string
  /** Where its code begins. */
  readonly line: number
  readonly code: string
  /** `run`: execute it too. `continue`: it goes on where the block before it ended. `no-check`: leave it alone. */
  readonly flags: readonly string[]
}

const knownFlags = ['run', 'continue', 'no-check']

/** The blocks of TypeScript in a document. @throws {Error} For a flag that nobody knows. */
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

const folder = join(cache, 'docs')

/** Lets the blocks import whatever some package of the workspace can, and the packages themselves. */
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
    // An example may end with a value that the reader is to use.
    noUnusedLocals: false,
    noUnusedParameters: false,
    types: ['node'],
  },
}

/** Type-checks, and where asked runs, the blocks of one document: a program of its own. */
async function check(document: string): Promise<{ blocks: number; ran: number; problems: string[] }> {
  const blocks = blocksOf(document).filter(({ flags }) => !flags.includes('no-check'))
  const here = join(folder, document.replaceAll('/', '-'))
  mkdirSync(here, { recursive: true })
  writeFileSync(join(here, 'tsconfig.json'), JSON.stringify(config))
  const toRun: { line: number; file: string }[] = []
  let before = ''
  let file = ''
  for (const { line, code, flags } of blocks) {
    const goesOn = flags.includes('continue') && file !== ''
    if (!goesOn) file = /^\/\/ ([\w-]+\.ts)\n/.exec(code)?.[1] ?? `line-${line}.ts`
    // Empty lines in front, so that a message about the file has the document's line.
    const lead = goesOn ? before : ''
    before = lead + '\n'.repeat(line - 1 - (lead.split('\n').length - 1)) + code
    writeFileSync(join(here, file), /^(import|export)\b/m.test(code) || goesOn ? before : `${before}export {}\n`)
    if (flags.includes('run')) toRun.push({ line, file })
  }
  if (blocks.length === 0) return { blocks: 0, ran: 0, problems: [] }
  const problems = (await problemsOf('tsc', ['-p', here])).map((text) =>
    text.replaceAll(/^\.cache\/docs\/[^/]+\/([\w-]+\.ts)\((\d+),\d+\)/gm, `${document}:$2 ($1)`),
  )
  if (problems.length > 0) return { blocks: blocks.length, ran: 0, problems }
  for (const { line, file: program } of toRun) {
    const { code, output } = await run(process.execPath, [program], { cwd: here, capture: true, timeoutMs: 60_000 })
    if (code !== 0) problems.push(`${document}:${line} ended with exit code ${code}:\n${output}`)
  }
  return { blocks: blocks.length, ran: toRun.length, problems }
}

/** Type-checks every block of TypeScript in the documents, and runs those marked `ts run`. */
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
    const problems: string[] = []
    let blocks = 0
    let ran = 0
    for (const document of documents.toSorted()) {
      const result = await check(document)
      blocks += result.blocks
      ran += result.ran
      problems.push(...result.problems)
    }
    if (blocks === 0) problems.push('The documents hold no block of ts')
    return found(problems, `${blocks} blocks of ts in ${documents.length} documents, ${ran} of them run`)
  },
}

/**
 * Makes a mutant: a copy of core's sources with some text replaced. Files that do not import the changed file, directly or indirectly,
 * are links to the sources, which Node has loaded already. To load all files for each mutant took 80 ms.
 */
import { cp, glob, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Edit } from './mutants.ts'

const SOURCE = new URL('../../src/', import.meta.url)
const COPIES = new URL('../../../../.cache/mutants/', import.meta.url)

/**
 * Writes a mutant's sources, and returns their folder.
 *
 * @param copies - The folder of the copies. Default: `.cache/mutants`.
 * @throws If core no longer contains the text that the mutant replaces.
 */
export async function writeMutant({ name, file, edits }: Edit, copies: URL = COPIES): Promise<URL> {
  const folder = new URL(`${name}/`, copies)
  let source = await readFile(new URL(file, SOURCE), 'utf8')
  for (const [find, replace] of edits) {
    const count = source.split(find).length - 1
    if (count !== 1) throw new Error(`mutant ${name}: ${file} has ${JSON.stringify(find)} ${count} times, not once`)
    source = source.replace(find, () => replace)
  }
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const imports = await (known ??= importsOfSources())
  const changed = withImporters(file, imports)
  for (const each of imports.keys()) {
    if (each === file) await writeFile(new URL(each, folder), source)
    else if (changed.has(each)) await cp(new URL(each, SOURCE), new URL(each, folder))
    else await symlink(fileURLToPath(new URL(each, SOURCE)), new URL(each, folder))
  }
  return folder
}

/** The imports of each source file, without type imports. */
type Imports = ReadonlyMap<string, readonly string[]>

let known: Promise<Imports> | undefined

async function importsOfSources(): Promise<Imports> {
  const imports = new Map<string, readonly string[]>()
  for await (const file of glob('*.ts', { cwd: fileURLToPath(SOURCE) })) {
    if (file.endsWith('.test.ts')) continue
    const text = await readFile(new URL(file, SOURCE), 'utf8')
    const found = text.matchAll(/^(?:import|export)(?! type\b)[^'"]*? from '\.\/([^']+)'/gm)
    imports.set(
      file,
      Array.from(found, ([, imported]) => imported!),
    )
  }
  return imports
}

/** A file, and all files that import it, directly or indirectly. */
function withImporters(file: string, imports: Imports): ReadonlySet<string> {
  const reached = new Set([file])
  // Iterating over a set also visits items that are added meanwhile.
  for (const each of reached)
    for (const [importer, imported] of imports) if (imported.includes(each)) reached.add(importer)
  return reached
}

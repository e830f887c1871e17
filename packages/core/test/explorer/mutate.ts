/** Makes a core with one rule taken out: a copy of the sources with some text replaced. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { Edit } from './mutants.ts'

const SOURCE = new URL('../../src/', import.meta.url)
const COPIES = new URL('../../../../.cache/mutants/', import.meta.url)

/**
 * Writes a mutant's sources, and returns their folder.
 *
 * @param copies - Where to: default `.cache/mutants`.
 * @throws If core no longer has what the mutant takes out.
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
  await cp(SOURCE, folder, { recursive: true, filter: (path) => !path.endsWith('.test.ts') })
  await writeFile(new URL(file, folder), source)
  return folder
}

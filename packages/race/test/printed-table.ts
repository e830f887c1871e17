import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A table's cells: by row, and then by column. */
export type Cells = Map<string, Record<string, string>>

/** Reads the Markdown table in a text. */
function cellsOf(text: string): Cells {
  const [head, , ...rows] = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  return new Map(
    rows.map(([title, ...cells]) => [title!, Object.fromEntries(cells.map((cell, index) => [head![index + 1], cell]))]),
  )
}

/** Runs one of the commands in `apps`, and reads what it prints. */
export async function printedBy(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ cells: Cells; code: number; errors: string }> {
  const script = join(import.meta.dirname, '../apps', command)
  const run = promisify(execFile)(process.execPath, [script, ...args], {
    timeout: 200_000,
    env: { ...process.env, ...env },
  })
  const { stdout, stderr, code } = await run.then(
    (output) => ({ ...output, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  )
  return { cells: cellsOf(stdout), code, errors: stderr }
}

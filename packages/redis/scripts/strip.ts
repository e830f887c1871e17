// Writes src/script-text.ts from src/script.lua: what is sent to a server has no comments and no indentation.
import { readFileSync, writeFileSync } from 'node:fs'

const source = new URL('../src/script.lua', import.meta.url)
const target = new URL('../src/script-text.ts', import.meta.url)

/** A Lua script without its comments, which stand on lines of their own, its indentation and its empty lines. */
export function stripped(lua: string): string {
  const lines = lua.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('--')).join('\n')
}

if (import.meta.main)
  writeFileSync(
    target,
    `/** script.lua as it is sent: written by \`pnpm --filter @sess/redis script\`. */\nexport const SCRIPT: string = \`${stripped(readFileSync(source, 'utf8'))}\`\n`,
  )

// Writes src/script-text.ts from src/*.lua: what is sent to a server has no comments and no indentation.
import { readFileSync, writeFileSync } from 'node:fs'

const SOURCES = { WRITE: 'write.lua', READ: 'read.lua' }

/** A Lua script without its comments, which stand on lines of their own, its indentation and its empty lines. */
export function stripped(lua: string): string {
  const lines = lua.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('--')).join('\n')
}

if (import.meta.main) {
  const texts = Object.entries(SOURCES).map(([name, file]) => {
    const lua = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    return `/** ${file} as it is sent: written by \`pnpm --filter @sess/redis script\`. */\nexport const ${name}: string = \`${stripped(lua)}\`\n`
  })
  writeFileSync(new URL('../src/script-text.ts', import.meta.url), texts.join('\n'))
}

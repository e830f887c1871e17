import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import { defineConfig } from 'vitest/config'
import { foldersLeftOut } from './scripts/check/stores.ts'

const folders = globSync(['packages/*/package.json', 'conformance/package.json', 'examples/*/package.json'])
  .map((file) => dirname(file))
  .filter((folder) => !foldersLeftOut.includes(folder))
  .toSorted()

export default defineConfig({
  test: {
    projects: folders.map((folder) => ({
      extends: true as const,
      test: { name: folder, root: folder, include: ['**/*.test.ts'], exclude: ['**/node_modules/**', '**/dist/**'] },
    })),
    testTimeout: 20_000,
    hookTimeout: 30_000,
    retry: 0,
  },
})

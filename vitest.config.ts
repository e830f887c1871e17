import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { foldersLeftOut } from './scripts/check/stores.ts'
import { LongestFirst } from './scripts/vitest/longest-first.ts'
import { scratch } from './scripts/vitest/scratch.ts'

const folders = globSync(['packages/*/package.json', 'conformance/package.json', 'examples/*/package.json'])
  .map((file) => dirname(file))
  .filter((folder) => !foldersLeftOut.includes(folder))
  .toSorted()

export default defineConfig({
  test: {
    projects: folders.map((folder) => ({
      extends: true as const,
      test: {
        name: folder,
        root: folder,
        include: ['**/*.test.ts'],
        exclude: ['**/node_modules/**', '**/dist/**'],
        // A server that a folder's test files share.
        globalSetup: globSync(join(import.meta.dirname, folder, 'test/global-setup.ts')),
      },
    })),
    // Programs that tests start are compiled once.
    env: { TMPDIR: scratch(), NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache', 'compiled') },
    setupFiles: [join(import.meta.dirname, 'scripts/vitest/cpu.ts')],
    sequence: { sequencer: LongestFirst },
    // One more than processors: most tests wait for servers and other processes now and then.
    maxWorkers: availableParallelism() + 1,
    // To end what hangs: a machine may have other things to do, and the kit ends its cases by itself.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    retry: 0,
    // Node itself loads tests and code, as it does for users, and faster than what Vite makes of it.
    experimental: { viteModuleRunner: false, nodeLoader: false },
  },
})

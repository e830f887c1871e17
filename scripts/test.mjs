import { bootstrap, runPinned } from './bootstrap.mjs'

await bootstrap()
await runPinned('.', ['scripts/check/main.ts', ...process.argv.slice(2)])

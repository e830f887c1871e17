import { bootstrap, runPinned } from './bootstrap.mjs'

await bootstrap()
await runPinned(['examples/demo/server.ts', ...process.argv.slice(2)])

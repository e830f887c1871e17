import { bootstrap, runPinned } from './bootstrap.mjs'

await bootstrap('@sess-examples/demo')
await runPinned('examples/demo', ['examples/demo/server.ts', ...process.argv.slice(2)])

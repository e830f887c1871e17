import { fileURLToPath } from 'node:url'
import { serve, type Served } from './serve.ts'

const DEFAULT_PORT = 3000

const port = process.env['PORT'] || String(DEFAULT_PORT)
const host = process.env['HOST']
const file = process.env['SESS_DB'] || fileURLToPath(new URL('.data/sessions.db', import.meta.url))

if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) await start()
else fail(`PORT must be a whole number from 0 to 65535, and is ${JSON.stringify(port)}.`)

async function start(): Promise<void> {
  let served: Served
  try {
    served = await serve({ file, port: Number(port), ...(host && { host }) })
  } catch (error) {
    return fail(reasonOf(error as NodeJS.ErrnoException))
  }
  console.log(`The @sess demo is at ${served.url}`)
  console.log(`Sessions are kept in ${file}. Ctrl-C stops it.`)

  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second ctrl-C ends the process at once.
      if (stopping) process.exit(1)
      stopping = true
      void served.close()
    })
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  const { code = '' } = error
  if (code === 'EADDRINUSE')
    return `Port ${port} is taken by another program. Stop that, or choose another port: PORT=${Number(port) + 1} npm start`
  if (code === 'EACCES' && error.syscall === 'listen')
    return `Port ${port} needs more rights than this user has. Choose one above 1023: PORT=${DEFAULT_PORT} npm start`
  if (code === 'ERR_SQLITE_ERROR' || error.syscall === 'mkdir')
    return `The session file ${file} cannot be opened (${error.message}). Choose another: SESS_DB=/path/to/sessions.db npm start`
  return error.stack ?? error.message
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}

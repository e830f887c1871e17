import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Child processes, each the leader of a process group of its own: what it started goes when it goes, and a ctrl-C in a
 * terminal reaches it once, through here.
 *
 * @type {Set<import('node:child_process').ChildProcess>}
 */
const children = new Set()

/** How long a child may take to stop after a signal, in ms. */
const GRACE_MS = 5_000

/**
 * The processor time of the commands that a piece of work has run, in seconds: run it within `commandTime.run({ seconds: 0 }, …)`.
 *
 * @type {AsyncLocalStorage<{ seconds: number }>}
 */
export const commandTime = new AsyncLocalStorage()

/** Runs a command, and then tells on descriptor 3 what the command and all that it waited for has used. */
const TIMED = 'trap : HUP INT TERM; "$@" 3>&-; code=$?; times >&3; exit $code'

/** What `times` prints in its second line: minutes and seconds, of the user and of the system. @param {string} text */
function secondsOf(text) {
  const [, ...parts] = /\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s/.exec(text)?.map(Number) ?? [0, 0, 0, 0, 0]
  const [minutes = 0, seconds = 0, systemMinutes = 0, systemSeconds = 0] = parts
  return 60 * (minutes + systemMinutes) + seconds + systemSeconds
}

/** @type {NodeJS.Signals | undefined} */
let stopping

/** @param {import('node:child_process').ChildProcess} child @param {NodeJS.Signals} signal */
function signalGroup(child, signal) {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error
  }
}

for (const signal of /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    // A ctrl-C comes twice: from the terminal, and from npm.
    if (isStopping()) return
    stopping = signal
    process.exitCode = 128 + constants.signals[signal]
    if (children.size === 0) process.exit()
    for (const child of children) signalGroup(child, signal)
    setTimeout(() => process.exit(), GRACE_MS).unref()
  })
}
process.on('exit', () => {
  for (const child of children) signalGroup(child, 'SIGKILL')
})

/** True once this process was told to stop: start nothing more. */
export const isStopping = () => stopping !== undefined

/**
 * Runs a command to its end, without input. When it ends, whatever is left of its process group is killed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, capture?: boolean, timeoutMs?: number,
 *   onOutput?: (output: string, signal: (name: NodeJS.Signals) => void) => void }} [options] `capture`: keep what it prints
 *   instead of passing it on. `timeoutMs`: kill it after that long. `onOutput`: called with all that it has printed so far,
 *   whenever it has printed something, and with a function that sends a signal to it and to what it started.
 * @returns {Promise<{ code: number, output: string }>} `code` as a shell has it: 128 + n for signal n, 127 for a command
 *   that is not there. `output`: stdout and stderr as they came.
 */
export function run(command, args, { cwd, env, capture = false, timeoutMs, onOutput } = {}) {
  return new Promise((resolve) => {
    if (isStopping()) return resolve({ code: 130, output: '' })
    const pipe = capture ? 'pipe' : 'inherit'
    const time = commandTime.getStore()
    /** @type {import('node:child_process').SpawnOptions} */
    const options = { cwd, env, detached: true, stdio: ['ignore', pipe, pipe, 'pipe'] }
    const child = time
      ? spawn('sh', ['-c', TIMED, 'sh', command, ...args], options)
      : spawn(command, args, { ...options, stdio: ['ignore', pipe, pipe] })
    children.add(child)
    let output = ''
    let times = ''
    child.stdio[3]?.on('data', (text) => (times += String(text)))
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text
        onOutput?.(output, (signal) => signalGroup(child, signal))
      })
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            output += `\n${command} did not end within ${timeoutMs / 1000} s and was killed.\n`
            signalGroup(child, 'SIGKILL')
          }, timeoutMs)
    child.on('error', (error) => {
      children.delete(child)
      clearTimeout(timer)
      resolve({ code: 127, output: `${output}${error.message}\n` })
    })
    child.on('exit', () => signalGroup(child, 'SIGKILL'))
    child.on('close', (code, signal) => {
      children.delete(child)
      clearTimeout(timer)
      if (time) time.seconds += secondsOf(times)
      resolve({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), output })
    })
  })
}

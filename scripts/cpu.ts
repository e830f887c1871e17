import { readdirSync, readFileSync } from 'node:fs'

/** The clock ticks per second in /proc: always 100 for programs, independent of Linux's own clock. */
const TICKS_PER_SECOND = 100

/** The processor time, user and system, of a process and of its descendants, in seconds. */
export interface Cpu {
  /** The time of the process, and of descendants that have ended. */
  readonly ended: number
  /** The time of descendants that still run. */
  readonly running: number
}

interface Stat {
  readonly parent: number
  readonly seconds: number
}

function statOf(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The fields after the name, which may contain any character: state, parent, …; the 12th to 15th are utime, stime, cutime, cstime.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0)
    return { parent: fields[1]!, seconds: ticks / TICKS_PER_SECOND }
  } catch {
    // The process has ended.
    return undefined
  }
}

/** The processor time of this process and its descendants so far, from Linux's /proc. On other systems, only its own time. */
export function cpuOfTree(): Cpu {
  const own = statOf('self')
  if (!own) {
    const { user, system } = process.cpuUsage()
    return { ended: (user + system) / 1e6, running: 0 }
  }
  const children = Map.groupBy(
    readdirSync('/proc').flatMap((pid) => {
      const stat = /^\d+$/.test(pid) ? statOf(pid) : undefined
      return stat ? [{ pid: Number(pid), ...stat }] : []
    }),
    ({ parent }) => parent,
  )
  const below = (pid: number): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + child.seconds + below(child.pid), 0)
  return { ended: own.seconds, running: below(process.pid) }
}

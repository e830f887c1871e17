import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks in a second of /proc: 100 for programs, whatever Linux counts in itself. */
const TICKS_PER_SECOND = 100

/** The processor time, user and system, of a process and of what it has started, in seconds. */
export interface Cpu {
  /** Its own, and that of children which have ended, with theirs. */
  readonly ended: number
  /** That of its descendants which still run. */
  readonly running: number
}

interface Stat {
  readonly parent: number
  readonly seconds: number
}

function statOf(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the name, which may hold anything: state, parent, …; utime, stime, cutime, cstime are the 12th to the 15th.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0)
    return { parent: fields[1]!, seconds: ticks / TICKS_PER_SECOND }
  } catch {
    // It has ended.
    return undefined
  }
}

/** What this process has used by now, by Linux's /proc. Elsewhere its own time alone is known. */
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

import { setTimeout as delay } from 'node:timers/promises'
import { isSessError, type Sessions } from '@sess/core'

/** What sessions hold under load. */
export interface LoadData {
  owner: string
  n: number
}

/** What a load has seen. */
export interface LoadReport {
  /** Operations that were answered. */
  done: number
  /** Errors, by code. */
  readonly errors: Record<string, number>
  /** When the last error came, by `performance.now()`; undefined if none came. */
  lastErrorAt: number | undefined
  /** What no failure excuses: an answer that is not true, an error without a type. */
  readonly wrong: string[]
  /** Acknowledged writes of data. */
  writes: number
  /** Acknowledged logouts and revocations. */
  ends: number
  /** Acknowledged rotations of a secret. */
  rotations: number
  /** Acknowledged writes that were read no more. Only a failover may undo what it had not replicated. */
  undoneWrites: number
  /** Sessions that were signed out or revoked, with acknowledgement, and that opened again. */
  undoneEnds: number
  /** Secrets that were rotated away, with acknowledgement, and that opened their session again. */
  undoneRotations: number
}

/** A load that runs until it is stopped. */
export interface Load {
  readonly report: LoadReport
  /** How many turns of workers wait for an answer now. */
  readonly underWay: number
  /** Waits until so many more operations were answered. */
  more(count: number): Promise<void>
  /** From now on each worker waits so long after a turn, in ms; 0, as at the start: not at all. */
  rest(ms: number): void
  stop(): Promise<LoadReport>
}

/** Codes by which a store may say that it cannot. */
const EXCUSED = new Set(['store_unavailable', 'unknown_outcome'])

/** Reads, writes, rotates, signs in, signs out and revokes, each worker on sessions of its own, and checks every answer. */
export function load(sessions: Sessions<Partial<LoadData>>, workers: number): Load {
  const report: LoadReport = {
    done: 0,
    errors: {},
    lastErrorAt: undefined,
    wrong: [],
    writes: 0,
    ends: 0,
    rotations: 0,
    undoneWrites: 0,
    undoneEnds: 0,
    undoneRotations: 0,
  }
  const stopping = new AbortController()
  let restMs = 0
  const rest = async (): Promise<void> => void (restMs > 0 && (await delay(restMs)))
  const hands = Array.from({ length: workers }, (_, i) => new Worker(sessions, `worker-${i}`, report))
  const running = hands.map((worker) => work(worker, stopping.signal, report, rest))
  return {
    report,
    get underWay() {
      return hands.filter((worker) => worker.busy).length
    },
    async more(count) {
      const goal = report.done + count
      while (report.done < goal) await delay(5)
    },
    rest(ms) {
      restMs = ms
    },
    async stop() {
      stopping.abort()
      await Promise.all(running)
      return report
    },
  }
}

type Opened = Sessions<Partial<LoadData>>

async function work(worker: Worker, signal: AbortSignal, report: LoadReport, rest: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      worker.busy = true
      await worker.turn().finally(() => (worker.busy = false))
      report.done++
      await rest()
    } catch (error) {
      report.lastErrorAt = performance.now()
      const code = isSessError(error) ? error.code : String(error)
      report.errors[code] = (report.errors[code] ?? 0) + 1
      if (!EXCUSED.has(code)) report.wrong.push(`an error: ${String(error)}`)
      worker.doubts = true
      await delay(10)
    }
  }
  for (let left = 10; ; left--) {
    try {
      return await worker.checkDead(Infinity)
    } catch (error) {
      if (left === 0) return void report.wrong.push(`what has ended cannot be read: ${String(error)}`)
      await delay(500)
    }
  }
}

class Worker {
  readonly #sessions: Opened
  readonly #owner: string
  readonly #report: LoadReport
  /** The session in use; undefined: none, or it cannot be known which. */
  #cookie: string | undefined
  #acknowledged = 0
  #tried = 0
  /** Cookies that open nothing any more. */
  readonly #dead: { readonly cookie: string; readonly by: 'undoneEnds' | 'undoneRotations' }[] = []
  #turns = 0
  /** There was an outage: what ended before it is to be looked at before anything else is done. */
  doubts = false
  /** A turn is under way. */
  busy = false
  /** The subject of the session in use: one for each session, so that no revocation ends a session that was signed out before, and is back. */
  #subject = ''
  #begun = 0

  constructor(sessions: Opened, owner: string, report: LoadReport) {
    this.#sessions = sessions
    this.#owner = owner
    this.#report = report
  }

  async turn(): Promise<void> {
    if (this.doubts) {
      await this.checkDead()
      this.doubts = false
    }
    const cookie = this.#cookie
    if (!cookie) return this.#begin()
    const turn = this.#turns++ % 12
    if (turn === 5) return this.checkDead(1)
    const session = await this.#sessions.load(cookie)
    if (session.status !== 'active') {
      if (session.status !== 'new') this.#report.wrong.push(`a session in use is ${session.status}`)
      this.#report.undoneWrites++
      this.#cookie = undefined
      return
    }
    const { owner, n = 0 } = session.data
    if (owner !== this.#owner) this.#report.wrong.push(`${this.#owner} has read the session of ${owner}`)
    if (n > this.#tried) this.#report.wrong.push(`${n} was never written`)
    if (n < this.#acknowledged) this.#report.undoneWrites++
    this.#acknowledged = n
    switch (turn) {
      case 3:
      case 8:
        return this.#replaceCookie(turn === 3 ? session.regenerate() : session.login(this.#subject), cookie)
      case 10:
        return this.#end(session.logout(), cookie)
      case 11:
        return this.#end(this.#sessions.revokeSubject(this.#subject), cookie)
      default:
        if (turn % 2) return
        this.#tried++
        await session.update((data) => void (data.n = this.#tried))
        this.#acknowledged = this.#tried
        this.#report.writes++
    }
  }

  async #begin(): Promise<void> {
    const session = await this.#sessions.load(undefined)
    this.#tried = this.#acknowledged = 0
    session.data.owner = this.#owner
    session.data.n = 0
    this.#subject = `${this.#owner}-${this.#begun++}`
    this.#cookie = (await session.login(this.#subject)).cookieValue
  }

  /** A change of secrets: what comes of one without an answer is given up. */
  async #replaceCookie(change: Promise<{ cookieValue?: string }>, cookie: string): Promise<void> {
    this.#cookie = undefined
    const { cookieValue } = await change
    if (!cookieValue) return
    this.#cookie = cookieValue
    this.#report.rotations++
    this.#dead.push({ cookie, by: 'undoneRotations' })
  }

  async #end(ending: Promise<unknown>, cookie: string): Promise<void> {
    this.#cookie = undefined
    await ending
    this.#report.ends++
    this.#dead.push({ cookie, by: 'undoneEnds' })
  }

  /** Looks whether the last of those that ended open anything. */
  async checkDead(count = 30): Promise<void> {
    for (const dead of this.#dead.slice(-count)) {
      if ((await this.#sessions.load(dead.cookie)).status !== 'active') continue
      this.#report[dead.by]++
      this.#dead.splice(this.#dead.indexOf(dead), 1)
    }
  }
}

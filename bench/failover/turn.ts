/** One outage under load: what an application saw of it. */
import { setTimeout as delay } from 'node:timers/promises'
import { createSessions, type Sessions } from '@sess/core'
import { load, type LoadData, type LoadReport } from '../../packages/redis/test/load.ts'
import { until, type Scene } from './scenes.ts'

/** What was seen. Times are in ms since the kill. */
export interface Outage extends LoadReport {
  /** How many operations waited for an answer when the server was killed. */
  readonly underWay: number
  /** When the server was up again, or another had its place. */
  readonly server: number
  /** When a session that is on the killed server was read. */
  readonly answer: number
  readonly lastError: number
}

/** How long the load runs before the kill, and after the first answer, in ms. */
const [BEFORE_MS, AFTER_MS] = [1000, 2000]
const WORKERS = 32
/** Between two reads of one session, in ms. */
const ASK_EVERY_MS = 10

/**
 * @param lagMs - For how long the replicas receive nothing before the kill, in ms.
 * @throws {Error} If the outage did not take place, or nobody noticed it.
 */
export async function outage(start: () => Promise<Scene>, lagMs: number): Promise<Outage> {
  await using scene = await start()
  const { store } = scene.app
  const options = { pepper: 'sixteen bytes or more', storeTimeout: '2s', sweepEvery: false, log: false } as const
  const sessions = createSessions<Partial<LoadData>>({ store, ...options })
  const cookie = await signInOn(scene, sessions)
  const running = load(sessions, WORKERS)
  await running.more(WORKERS)
  await delay(BEFORE_MS)
  if (lagMs > 0) {
    await scene.cutOff!()
    await delay(lagMs)
  }
  const { underWay } = running
  const killedAt = performance.now()
  await scene.kill()
  const [server, answer] = await Promise.all([scene.recover(), firstAnswer(sessions, cookie)])
  await scene.rejoin?.()
  await delay(AFTER_MS)
  await running.more(WORKERS)
  const report = await running.stop()
  const { lastErrorAt } = report
  if (lastErrorAt === undefined || lastErrorAt < killedAt) throw new Error('no operation failed: was there an outage?')
  if (report.ends === 0) throw new Error('no logout was acknowledged')
  const since = (at: number): number => Math.round(at - killedAt)
  return { ...report, underWay, server: since(server), answer: since(answer), lastError: since(lastErrorAt) }
}

/** Signs users in until one has a session on the server that is to be killed. @returns Its cookie. */
async function signInOn(scene: Scene, sessions: Sessions<Partial<LoadData>>): Promise<string> {
  let cookie = ''
  let tried = 0
  await until('a session on the server', async () => {
    cookie = (await (await sessions.load(undefined)).login(`asks-${tried++}`)).cookieValue!
    return scene.holds(cookie)
  })
  return cookie
}

/** Reads a session again and again, without waiting for the reads before. @returns When the first read was answered. */
async function firstAnswer(sessions: Sessions<Partial<LoadData>>, cookie: string): Promise<number> {
  let answeredAt: number | undefined
  let gone = false
  const ask = async (): Promise<void> => {
    const { status } = await sessions.load(cookie)
    answeredAt ??= performance.now()
    gone ||= status !== 'active'
  }
  const timer = setInterval(() => void ask().catch(() => {}), ASK_EVERY_MS)
  try {
    await until('an answer after the kill', async () => answeredAt !== undefined)
  } finally {
    clearInterval(timer)
  }
  if (gone) throw new Error('the session that was read has gone')
  return answeredAt!
}

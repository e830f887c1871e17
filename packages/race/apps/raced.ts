import { race, type CheckName, type RaceResult, type Row } from '../src/index.ts'
import { startApps, type Contestant } from './contestants.ts'
import { WORK_MS } from './process.ts'

/** Processes of each app. */
const SERVERS = 2

/** Starts an app, races it, and then does something with what was found, and with the app. */
export async function raced<T>(
  app: Pick<Contestant, 'file' | 'env'>,
  env: Record<string, string>,
  trials: number,
  use: (result: RaceResult, url: string) => Promise<T>,
): Promise<T> {
  const apps = await startApps(app, { NODE_ENV: 'production', ...env }, SERVERS)
  try {
    const result = await race({
      servers: apps.urls,
      login: '/login user={user}',
      writes: ['/set key=a&value={value}', '/set key=b&value={value}'],
      read: '/get',
      logout: '/logout',
      trials,
    })
    return await use(result, apps.urls[0]!)
  } finally {
    await apps.stop()
  }
}

/** What a check came to. */
export const rowOf = ({ rows }: RaceResult, check: CheckName): Row => rows.find((row) => row.check === check)!

/** What a check came to, in a table. */
export function cellOf(result: RaceResult, check: CheckName): string {
  const { status, found, judged } = rowOf(result, check)
  if (status === 'not run') return '–'
  return `${found} of ${judged}${status === 'not judged' ? ' (not judged)' : ''}`
}

/** A table in Markdown; its first row is the head. */
export function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/** Under what conditions. */
export const conditions = (trials: number): string =>
  `${SERVERS} server processes, ${trials} trials of each race; a write is busy for ${WORK_MS} ms between load and save.`

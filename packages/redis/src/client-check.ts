import { invalid } from '@sess/core/adapter'

/** Whether it has the methods of a client of ioredis that a store calls. */
const isIoredis = (client: object): boolean =>
  ['getrangeBuffer', 'evalshaBuffer', 'pipeline', 'on'].every(
    (method) => typeof (client as Properties)[method] === 'function',
  )

type Properties = Readonly<Record<string, unknown>>

/** What somebody passed who passed no client of ioredis, as an error's message says it. */
function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if ('sendCommand' in value && 'isOpen' in value)
    return 'a client of the package `redis`: for that there is @sess/node-redis'
  if ('client' in value || 'cluster' in value) return 'an object around a client'
  return 'an object that is no client'
}

/**
 * Refuses what is no client of ioredis of this kind.
 *
 * @param kind - The class of ioredis.
 * @param elsewhere - Where the other class is taken.
 * @throws {SessError} `invalid_option`.
 */
export function checkClient(value: unknown, kind: 'Redis' | 'Cluster', elsewhere: string): void {
  const argument = kind === 'Redis' ? 'client' : 'cluster'
  if (typeof value !== 'object' || value === null || !isIoredis(value))
    throw invalid(argument, `must be a ${kind} of ioredis, as from new ${kind}(…), and is ${described(value)}`)
  const { isCluster, options } = value as { isCluster?: unknown; options: Properties }
  if (isCluster !== (kind === 'Cluster'))
    throw invalid(
      argument,
      `must be a ${kind} of ioredis; for a ${isCluster ? 'Cluster' : 'Redis'} there is ${elsewhere}`,
    )
  const connections = (kind === 'Redis' ? options : (options['redisOptions'] ?? {})) as Properties
  if (connections['monitor']) throw invalid(argument, 'must be without monitor: it runs no other command')
}

/**
 * Says once of each client which options it lacks to leave a server that hangs.
 *
 * @param lacking - `option: value`, as it would be written; false: that one is there.
 */
export function warnOf(client: object, lacking: readonly (string | false)[], page: string): void {
  const names = lacking.filter((each) => each !== false)
  if (names.length === 0 || WARNED.has(client)) return
  WARNED.add(client)
  process.emitWarning(
    `the client of this session store stays with a server that hangs: give it ${names.join(' and ')} (see ${page})`,
    { type: 'SessWarning', code: 'SESS_REDIS_CLIENT' },
  )
}
const WARNED = new WeakSet<object>()

import { invalid } from '@sess/core/adapter'

/** Whether a value has the methods of an ioredis client that a store calls. */
const isIoredis = (client: object): boolean =>
  ['getrangeBuffer', 'evalshaBuffer', 'pipeline', 'on'].every(
    (method) => typeof (client as Properties)[method] === 'function',
  )

type Properties = Readonly<Record<string, unknown>>

/** Describes a value that is not a client of ioredis, for the message of an error. */
function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if ('sendCommand' in value && 'isOpen' in value) return 'a client of the package `redis`: use @sess/node-redis for it'
  if ('client' in value || 'cluster' in value) return 'an object around a client'
  return 'an object that is not a client'
}

/**
 * Refuses a value that is not an ioredis client of this class.
 *
 * @param kind - The class of ioredis.
 * @param elsewhere - The function that takes a client of the other class.
 * @throws {SessError} `invalid_option`.
 */
export function checkClient(value: unknown, kind: 'Redis' | 'Cluster', elsewhere: string): void {
  const argument = kind === 'Redis' ? 'client' : 'cluster'
  if (typeof value !== 'object' || value === null || !isIoredis(value))
    throw invalid(argument, `must be a ${kind} of ioredis, as from new ${kind}(…), and is ${described(value)}`)
  const { isCluster, options } = value as { isCluster?: unknown; options: Properties }
  if (isCluster !== (kind === 'Cluster'))
    throw invalid(argument, `must be a ${kind} of ioredis; for a ${isCluster ? 'Cluster' : 'Redis'} use ${elsewhere}`)
  const connections = (kind === 'Redis' ? options : (options['redisOptions'] ?? {})) as Properties
  if (connections['monitor'])
    throw invalid(argument, 'must not have the option monitor: a client that monitors runs no other command')
}

/**
 * Emits a warning, once per client, if the client lacks options without which it stays connected to a server that hangs.
 *
 * @param lacking - For each missing option the text `option: value`; false for an option that is set.
 */
export function warnOf(client: object, lacking: readonly (string | false)[], page: string): void {
  const names = lacking.filter((each) => each !== false)
  if (names.length === 0 || WARNED.has(client)) return
  WARNED.add(client)
  process.emitWarning(
    `the client of this session store stays connected to a server that hangs: give it ${names.join(' and ')} (see ${page})`,
    { type: 'SessWarning', code: 'SESS_REDIS_CLIENT' },
  )
}
const WARNED = new WeakSet<object>()

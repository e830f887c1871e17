import { invalid } from '@sess/core/adapter'

type Kind = 'client' | 'sentinel' | 'cluster'
type Properties = Readonly<Record<string, unknown>>

/** The function of `redis` that makes a client of each kind. */
const MADE_BY = {
  client: 'createClient()',
  sentinel: 'createSentinel()',
  cluster: 'createCluster()',
} as const satisfies Record<Kind, string>

const has = (value: object, ...methods: readonly string[]): boolean =>
  methods.every((method) => typeof (value as Properties)[method] === 'function')

/** Describes a value for the message of an error. `kind`: present if the value is a client of the package `redis`, 5 or later. */
function kindOf(value: unknown): { readonly kind?: Kind; readonly is: string } {
  if (typeof value !== 'object' || value === null) return { is: value === null ? 'null' : typeof value }
  if (has(value, 'mgetBuffer', 'pipeline'))
    return { is: 'a client of ioredis: use @sess/redis or @sess/redis-cluster for it' }
  if ('idleClients' in value)
    return { is: 'a pool: pass a client, for one connection carries the commands of all requests' }
  if (has(value, 'sendCommand', 'on', 'off')) {
    if ('nodeByAddress' in value) return { kind: 'cluster', is: 'a Cluster' }
    if (has(value, 'getMasterNode', '_execute')) return { kind: 'sentinel', is: 'a Sentinel' }
    if (has(value, 'withTypeMapping') && 'isReady' in value) return { kind: 'client', is: 'a client' }
    if (has(value, 'v4') || 'isReady' in value) return { is: 'a client of `redis` 4: use `redis` 5 or 6' }
  }
  if (has(value, 'sendCommand', 'multi')) return { is: 'the legacy() of a client: pass the client itself' }
  if ('client' in value || 'cluster' in value) return { is: 'an object around a client' }
  return { is: 'an object that is not a client' }
}

/**
 * Refuses a value that is not a client of the package `redis` of these kinds.
 *
 * @param elsewhere - The function that takes clients of the other kinds.
 * @returns The kind of the client.
 * @throws {SessError} `invalid_option`.
 */
export function checkClient(value: unknown, kinds: readonly Kind[], elsewhere: string): Kind {
  const { kind, is } = kindOf(value)
  const argument = kinds[0]!
  const makers = kinds.map((each) => MADE_BY[each]).join(' or ')
  if (kind === undefined) throw invalid(argument, `must be made by ${makers} of the package redis, and is ${is}`)
  if (!kinds.includes(kind)) throw invalid(argument, `must be made by ${makers}; for ${is} use ${elsewhere}`)
  return kind
}

import { invalid } from '@sess/core/adapter'

type Kind = 'client' | 'sentinel' | 'cluster'
type Properties = Readonly<Record<string, unknown>>

/** How a client of each kind is made. */
const MADE_BY = {
  client: 'createClient()',
  sentinel: 'createSentinel()',
  cluster: 'createCluster()',
} as const satisfies Record<Kind, string>

const has = (value: object, ...methods: readonly string[]): boolean =>
  methods.every((method) => typeof (value as Properties)[method] === 'function')

/** What somebody passed, as an error's message says it; its kind where it is a client of the package `redis`, 5 or later. */
function kindOf(value: unknown): { readonly kind?: Kind; readonly is: string } {
  if (typeof value !== 'object' || value === null) return { is: value === null ? 'null' : typeof value }
  if (has(value, 'mgetBuffer', 'pipeline'))
    return { is: 'a client of ioredis: for that there are @sess/redis and @sess/redis-cluster' }
  if ('idleClients' in value) return { is: 'a pool: one connection carries what all requests ask' }
  if (has(value, 'sendCommand', 'on', 'off')) {
    if ('nodeByAddress' in value) return { kind: 'cluster', is: 'a Cluster' }
    if (has(value, 'getMasterNode', '_execute')) return { kind: 'sentinel', is: 'a Sentinel' }
    if (has(value, 'withTypeMapping') && 'isReady' in value) return { kind: 'client', is: 'a client' }
    if (has(value, 'v4') || 'isReady' in value) return { is: 'a client of `redis` 4, and has to be one of 5 or 6' }
  }
  if (has(value, 'sendCommand', 'multi')) return { is: 'the legacy() of a client: pass the client itself' }
  if ('client' in value || 'cluster' in value) return { is: 'an object around a client' }
  return { is: 'an object that is no client' }
}

/**
 * Refuses what is no client of the package `redis` of these kinds.
 *
 * @param elsewhere - What takes clients of other kinds.
 * @returns Its kind.
 * @throws {SessError} `invalid_option`.
 */
export function checkClient(value: unknown, kinds: readonly Kind[], elsewhere: string): Kind {
  const { kind, is } = kindOf(value)
  const argument = kinds[0]!
  const makers = kinds.map((each) => MADE_BY[each]).join(' or ')
  if (kind === undefined) throw invalid(argument, `must be made by ${makers} of the package redis, and is ${is}`)
  if (!kinds.includes(kind)) throw invalid(argument, `must be made by ${makers}; for ${is} there is ${elsewhere}`)
  return kind
}

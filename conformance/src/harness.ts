/**
 * What a harness is made with, without the cases: the kit's other processes import a harness's module, and would load them for
 * nothing.
 *
 * @module
 */
import type { Connection, Harness, Space } from './contract.ts'
import type { Faults } from './fault-switch.ts'

export type { Connection, Demotion, Deviation, Full, Harness, Index, Raw, Space } from './contract.ts'
export { scratchFolder } from './scratch-folder.ts'

/** Where one namespace is, and what can be done to it past the store. */
export interface Namespace extends Pick<Space, 'raw' | 'index' | 'restart' | 'full' | 'demotion'> {
  /** What `connect` is given, as text, in other processes too: a URL, a file's name, a prefix, all of it as JSON. */
  readonly argument: string
  /** Trouble for the store on trial: its switch, and the argument that leads through it. All other clients go past it. */
  readonly faulty?: { readonly faults: Faults; readonly argument: string }
  /** Removes what was written, and ends what `make` began. Called once every client is closed. */
  remove?(): Promise<void>
}

/** What an adapter's author says of a store, for {@link harnessOf}. */
export interface HarnessParts extends Pick<
  Harness,
  'name' | 'deviations' | 'seal' | 'scale' | 'versions' | 'begin' | 'end'
> {
  /**
   * The `import.meta.url` of the module that calls, which exports `connect`: other processes import it. Leave it out for
   * a store that lives in one process; all its clients are then the first.
   */
  readonly module?: string
  /** Another client of the namespace that an argument leads to: a client of the driver, and a store on it. */
  connect(argument: string): Connection | Promise<Connection>
  /** Makes an empty namespace. Default: one that `connect` is given an empty text for. */
  make?(): Promise<Namespace>
}

/**
 * A harness, from how to make an empty namespace and how to connect to it: it counts the clients, closes them in the order
 * in which they came, and then removes the namespace.
 *
 * @example
 * export const harness = harnessOf({ name: 'pg', module: import.meta.url, connect, make })
 */
export function harnessOf(parts: HarnessParts): Harness {
  const { name, deviations, seal, scale, versions, begin, end, module } = parts
  return {
    name,
    ...(deviations && { deviations }),
    ...(seal && { seal }),
    ...(scale !== undefined && { scale }),
    ...(versions && { versions: () => versions.call(parts) }),
    ...(begin && { begin: () => begin.call(parts) }),
    ...(end && { end: () => end.call(parts) }),
    ...(module !== undefined && { process: { module } }),
    open: () => open(parts),
  }
}

async function open(parts: HarnessParts): Promise<Space> {
  const namespace: Namespace = parts.make ? await parts.make() : { argument: '' }
  const { argument, faulty, raw, index, restart, full, demotion } = namespace
  const connections: Connection[] = []
  const byStore = new Map<Connection['store'], Connection>()
  const connect = async (to: string): Promise<Connection['store']> => {
    const connection = await parts.connect(to)
    connections.push(connection)
    byStore.set(connection.store, connection)
    return connection.store
  }
  const close = async (): Promise<void> => {
    try {
      for (const connection of connections) await connection.close()
    } finally {
      await namespace.remove?.()
    }
  }
  try {
    const store = await connect(faulty?.argument ?? argument)
    return {
      store,
      argument,
      connect: parts.module === undefined ? async () => store : () => connect(argument),
      ...(connections[0]!.ping && { ping: async (of) => byStore.get(of)?.ping?.() }),
      ...(raw && { raw }),
      ...(index && { index }),
      ...(full && { full }),
      ...(demotion && { demotion }),
      ...(restart && { restart: () => restart.call(namespace) }),
      ...(faulty && { faults: faulty.faults }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

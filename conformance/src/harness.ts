/**
 * The parts of the kit that a harness needs, without the cases: the kit's other processes import the module of a harness, and do not
 * need the cases.
 *
 * @module
 */
import type { Connection, Harness, Space } from './contract.ts'
import type { Faults } from './fault-switch.ts'

export type { Connection, Demotion, Deviation, Full, Harness, Index, Raw, Space } from './contract.ts'
export { scratchFolder } from './scratch-folder.ts'

/** The location of a namespace, and access to it past the store. */
export interface Namespace extends Pick<Space, 'raw' | 'index' | 'restart' | 'full' | 'demotion'> {
  /** The argument of `connect`, also in other processes: text such as a URL, a file name or a prefix, or all of these as JSON. */
  readonly argument: string
  /** Faults for the store on trial, and the argument of `connect` that leads through them. All other clients connect directly. */
  readonly faulty?: { readonly faults: Faults; readonly argument: string }
  /** Removes the data of the namespace, and ends everything that `make` began. Called after every client is closed. */
  remove?(): Promise<void>
}

/** The parts of a harness that the author of an adapter writes, for {@link harnessOf}. */
export interface HarnessParts extends Pick<
  Harness,
  'name' | 'deviations' | 'seal' | 'scale' | 'versions' | 'begin' | 'end'
> {
  /**
   * The `import.meta.url` of the calling module, which exports `connect`: other processes import it. Leave it out for a store that
   * lives in one process; all clients are then the first client.
   */
  readonly module?: string
  /** Opens another client of a namespace: a client of the driver, and a store on it. @param argument - {@link Namespace.argument}. */
  connect(argument: string): Connection | Promise<Connection>
  /** Makes an empty namespace. Default: a namespace with the argument `''`. */
  make?(): Promise<Namespace>
}

/**
 * Makes a harness from a function that makes an empty namespace and a function that connects to it. The harness keeps a list of its
 * clients, closes them in the order in which they were opened, and then removes the namespace.
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

import type { WireClient, Flaw } from '../wire/client.ts'
import { wireOf, wireStore } from '../wire/harness.ts'
import { KvServer } from '../wire/kv-server.ts'
import { KvStore } from '../wire/kv-store.ts'
import type { StoreMutant } from './mutant.ts'

/** What a client makes of a server that was its master, is a replica now, and answers on the connections that there are. */
const FLAWS: readonly (readonly [name: string, habit: string, flaw: Flaw])[] = [
  [
    'its reads go on to a replica that has refused its writes',
    'an error of a write is that call’s alone: the connection is up, and so the server is believed',
    'believes a replica',
  ],
  [
    'what it knows of a replica it throws once, and forgets',
    'the last error is kept for the next caller, and cleared as it is thrown',
    'doubts once',
  ],
  [
    'a replica that answers a read passes for a master again',
    'a health check by PING or by a cheap read',
    'proves by a read',
  ],
  [
    'reads of one record are held back from a replica, lists and counts are not',
    'the check sits in `read()`, where the bug report was',
    'doubts in part',
  ],
]

/** Each of them on a store of one request a call, and on one that reads before it writes. */
export const failovers: readonly StoreMutant[] = FLAWS.flatMap(([name, habit, flaw]) =>
  [
    ['one request a call', wireOf({ flaw, store: wireStore })] as const,
    [
      'it reads, then writes',
      wireOf({ flaw, serve: () => new KvServer(), store: (client: WireClient) => new KvStore(client) }),
    ] as const,
  ].map(([base, { open }]) => ({ open, name: `${name} (${base})`, habit, killedBy: ['faults/demoted'] })),
)

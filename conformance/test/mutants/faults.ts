import type { Harness } from '../../src/index.ts'
import type { Flaw } from '../wire/client.ts'
import { wireHarness } from '../wire/harness.ts'

const flaws: Readonly<Record<Flaw, readonly string[]>> = {
  'takes a loss for missing': [
    'faults/cut-read',
    'faults/cut-touch',
    'faults/cut-delete-subject',
    'faults/outage-at-load',
  ],
  resends: ['faults/cut-replace', 'faults/cut-delete', 'faults/cut-create'],
  'promises too much': ['faults/cut-replace', 'faults/cut-touch', 'faults/cut-delete', 'faults/cut-create'],
  queues: ['faults/down'],
  misreads: ['faults/mixed-answers', 'faults/cut-update'],
  'never returns': ['faults/restart', 'faults/outage-at-write'],
  'is impatient': ['faults/slow-answers'],
  'brings back': ['faults/late-replace'],
}

/** Stores over a socket whose client is broken on purpose, each with the cases that must catch it. */
export const flawedClients: readonly (Pick<Harness, 'open' | 'process'> & {
  readonly name: string
  readonly killedBy: readonly string[]
})[] = Object.entries(flaws).map(([flaw, killedBy]) => ({
  name: `a client ${flaw}`,
  killedBy,
  open: () => wireHarness({ flaw: flaw as Flaw }).open(),
}))

import { rm, writeFile } from 'node:fs/promises'
import type { createSessions } from '@sess/core'
import { writeMutant } from '../../../packages/core/test/explorer/mutate.ts'
import { cases, serializerCases, type Harness } from '../../src/index.ts'
import { runCase, runSerializerCase } from '../../src/run.ts'
import { ByteStore } from './byte-store.ts'
import { clocks } from './clocks.ts'
import { connections } from './connections.ts'
import { cores } from './cores.ts'
import { data } from './data.ts'
import { failovers } from './failovers.ts'
import { oneRequest as oneRequestFromContract } from './from-contract/one-request.ts'
import { readsFirst as readsFirstFromContract } from './from-contract/reads-first.ts'
import { sql as sqlFromContract } from './from-contract/sql.ts'
import { oneRequest as oneRequestAgain } from './from-contract-2/one-request.ts'
import { readsFirst as readsFirstAgain } from './from-contract-2/reads-first.ts'
import { sql as sqlAgain } from './from-contract-2/sql.ts'
import { oneRequest as oneRequestThirdTime } from './from-contract-3/one-request.ts'
import { readsFirst as readsFirstThirdTime } from './from-contract-3/reads-first.ts'
import { sql as sqlThirdTime } from './from-contract-3/sql.ts'
import { oneRequest as oneRequestFourthTime } from './from-contract-4/one-request.ts'
import { readsFirst as readsFirstFourthTime } from './from-contract-4/reads-first.ts'
import { sql as sqlFourthTime } from './from-contract-4/sql.ts'
import { oneRequest as oneRequestFifthTime } from './from-contract-5/one-request.ts'
import { readsFirst as readsFirstFifthTime } from './from-contract-5/reads-first.ts'
import { sql as sqlFifthTime } from './from-contract-5/sql.ts'
import { oneRequest as oneRequestOfOthers } from './from-contract-others/one-request.ts'
import { readsFirst as readsFirstOfOthers } from './from-contract-others/reads-first.ts'
import { sql as sqlOfOthers } from './from-contract-others/sql.ts'
import { grid } from './grid/index.ts'
import { histories } from './histories.ts'
import { index } from './index.ts'
import { lies } from './lies.ts'
import { lifeCycle } from './life-cycle.ts'
import { lost } from './lost.ts'
import type { CoreMutant, SerializerMutant, StoreMutant } from './mutant.ts'
import { races } from './races.ts'
import { harness as sqlHarness } from '../sql/sql-harness.ts'
import { wireHarness } from '../wire/harness.ts'
import { harness as kvHarness } from '../wire/kv-harness.ts'
import { readsFirst } from './reads-first.ts'
import { requestCores } from './request-cores.ts'
import { serializers } from './serializers.ts'
import { sql } from './sql.ts'

/** A mutant on trial. */
export interface Trial {
  /** What is broken: a store, a serializer or a core; and by what kind of defect. */
  readonly kind: string
  readonly name: string
  /** What an author does from habit, and gets this fault by. */
  readonly habit?: string
  readonly killedBy: readonly string[]
  /** The cases that are about it. */
  readonly cases: readonly string[]
  /**
   * Runs a case. Resolves to how it went: `fail` is a kill.
   *
   * @param effort - The share of rounds that random and large cases make. Default: 1.
   */
  run(id: string, effort?: number): Promise<{ readonly status: string; readonly error?: unknown }>
}

/** One call may take this long, in ms, and the choices are always the same. */
const OPTIONS = { patience: 3000, seed: 1 }

/** No case may take longer, in ms: some mutants hang. */
const CASE_PATIENCE = 10_000

const byId = new Map(cases.map((item) => [item.id, { ...item, patience: CASE_PATIENCE }]))

function storeTrial(kind: string, { name, habit, killedBy, open, process }: StoreMutant): Trial {
  const harness: Harness = { name: 'mutant', open, ...(process && { process }) }
  return {
    kind,
    name,
    ...(habit !== undefined && { habit }),
    killedBy,
    cases: cases.map(({ id }) => id),
    run: (id, effort = 1) => runCase(byId.get(id)!, harness, { ...OPTIONS, effort }),
  }
}

function serializerTrial({ name, habit, killedBy, serializer }: SerializerMutant): Trial {
  return {
    kind: 'serializer',
    name,
    ...(habit !== undefined && { habit }),
    killedBy,
    cases: serializerCases.map(({ id }) => id),
    run: (id) =>
      runSerializerCase(
        serializerCases.find((item) => item.id === id)!,
        serializer,
        OPTIONS,
      ),
  }
}

/** A sound store, with all that a harness can offer in one process. */
export const sound: Harness = {
  name: 'bytes',
  open: async () => {
    const store = new ByteStore()
    return { store, raw: store.raw, index: store.index, connect: async () => store, close: async () => {} }
  },
}

const COPIES = new URL(`../../../.cache/kit-mutants/${process.pid}/`, import.meta.url)

/** The `createSessions` of a core with these edits; of a whole one, without. */
export async function editedCore(mutant: Omit<CoreMutant, 'killedBy'>): Promise<typeof createSessions> {
  const folder = await writeMutant(mutant, COPIES)
  // One class of errors for both: the copy must know a store's errors by instanceof.
  const errors = new URL('../../../packages/core/src/error.ts', import.meta.url)
  if (mutant.file !== 'error.ts') {
    const copy = new URL('error.ts', folder)
    // It may be a link to core's own.
    await rm(copy)
    await writeFile(copy, `export * from ${JSON.stringify(errors.href)}\n`)
  }
  const copy = (await import(/* @vite-ignore */ new URL('index.ts', folder).href)) as {
    createSessions: typeof createSessions
  }
  return copy.createSessions
}

/** Removes the copies of core that this process has made. */
export function removeCopies(): Promise<void> {
  return rm(COPIES, { recursive: true, force: true })
}

function coreTrial(mutant: CoreMutant): Trial {
  let loaded: Promise<typeof createSessions> | undefined
  return {
    kind: 'core',
    name: mutant.name,
    killedBy: mutant.killedBy,
    cases: cases.filter(({ subject }) => subject === 'sessions').map(({ id }) => id),
    run: async (id, effort = 1) => {
      loaded ??= editedCore(mutant)
      return runCase(byId.get(id)!, mutant.beyondSocket ? wireHarness() : sound, {
        ...OPTIONS,
        effort,
        createSessions: await loaded,
      })
    },
  }
}

/** The sound stores over a socket and on SQL that mutants are made of, and these. */
export const bases: readonly {
  readonly name: string
  readonly harness: Harness
  readonly mutants: readonly StoreMutant[]
}[] = [
  { name: 'one request a call', harness: wireHarness(), mutants: [...connections, ...lost, ...failovers] },
  { name: 'it reads, then writes', harness: kvHarness, mutants: [...lost, ...failovers, ...readsFirst] },
  { name: 'SQL', harness: sqlHarness, mutants: sql },
]

/** Stores that were broken from the contract alone, when none of the cases was at hand. */
export const fromContract: readonly StoreMutant[] = [
  ...oneRequestFromContract,
  ...readsFirstFromContract,
  ...sqlFromContract,
]

/** More stores that were broken from the contract alone, with neither the kit nor the first thirty at hand. */
export const fromContractAgain: readonly StoreMutant[] = [...oneRequestAgain, ...readsFirstAgain, ...sqlAgain]

/** Thirty more, written while the kit had 287 cases, and met by the kit of 304. */
export const fromContractThirdTime: readonly StoreMutant[] = [
  ...oneRequestThirdTime,
  ...readsFirstThirdTime,
  ...sqlThirdTime,
]

/** Thirty more, met by the kit of 307 cases. */
export const fromContractFourthTime: readonly StoreMutant[] = [
  ...oneRequestFourthTime,
  ...readsFirstFourthTime,
  ...sqlFourthTime,
]

/** Thirty more, met by the kit of 327 cases. */
export const fromContractFifthTime: readonly StoreMutant[] = [
  ...oneRequestFifthTime,
  ...readsFirstFifthTime,
  ...sqlFifthTime,
]

/** Of a hundred and fifty more, those that the kit had no case for. */
const fromContractOthers: readonly StoreMutant[] = [...oneRequestOfOthers, ...readsFirstOfOthers, ...sqlOfOthers]

/** All mutants. */
export const trials: readonly Trial[] = [
  ...Object.entries({
    clocks,
    races,
    lies,
    data,
    index,
    'life cycle': lifeCycle,
    histories,
    connections,
    'lost connections': lost,
    failovers,
    'reads, then writes': readsFirst,
    SQL: sql,
    grid,
    'from the contract alone': fromContract,
    'from the contract alone, the second time': fromContractAgain,
    'from the contract alone, the third time': fromContractThirdTime,
    'from the contract alone, the fourth time': fromContractFourthTime,
    'from the contract alone, the fifth time': fromContractFifthTime,
    'from the contract alone, others': fromContractOthers,
  }).flatMap(([kind, mutants]) => mutants.map((mutant) => storeTrial(`store: ${kind}`, mutant))),
  ...serializers.map(serializerTrial),
  ...[...requestCores, ...cores].map(coreTrial),
]

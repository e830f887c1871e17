// Races one app, @sess/express, on every store that processes can share. Ends with 0 only if all was judged and nothing found.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { Harness } from '@sess/conformance'
import repository from '../../../scripts/check/stores.json' with { type: 'json' }
import { printAndExit, type Raced } from './nothing-found.ts'
import { raced } from './raced.ts'

/** What is raced. */
interface Subject {
  /** The module of a harness, as the conformance kit takes it: a URL. */
  readonly harness: string
  /** Default: the harness's own. */
  readonly title?: string
  readonly env?: Readonly<Record<string, string>>
}

const harnessOf = ({
  folder,
  harness = 'test/harness.ts',
}: {
  readonly folder: string
  readonly harness?: string
}): string => pathToFileURL(join(import.meta.dirname, '../../..', folder, harness)).href

// The memory store lives in one process, so two processes cannot race for it. The apps do not run under Bun.
const { memory: _memory, 'sqlite-bun': _bun, ...shared } = repository
const subjects: ReadonlyMap<string, Subject> = new Map([
  ...Object.entries(shared).map(([name, store]): [string, Subject] => [name, { harness: harnessOf(store) }]),
  [
    'sealed',
    {
      title: 'redis, sealed',
      harness: harnessOf(shared.redis),
      env: { SEAL_KEY: randomBytes(32).toString('hex') },
    },
  ],
])

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    // Only these: names, or modules that export a harness, as the conformance kit takes them.
    store: { type: 'string', multiple: true, default: [...subjects.keys()] },
  },
})
const trials = Number(values.trials)

function subjectOf(store: string): Subject {
  const subject = subjects.get(store)
  if (subject !== undefined) return subject
  if (existsSync(store)) return { harness: pathToFileURL(resolve(store)).href }
  throw new Error(`there is no ${store}: --store takes ${[...subjects.keys()].join(', ')}, or the path of a harness`)
}

/** Driver and server; the store itself is this repository's. */
async function versionsOf(harness: Harness): Promise<string> {
  const versions = Object.entries((await harness.versions?.()) ?? {})
  return versions.flatMap(([name, version]) => (name.startsWith('@sess/') ? [] : `${name} ${version}`)).join(', ')
}

/** Starts what a store needs, and races the app on it. */
async function raceOn({ harness: module, title, env }: Subject): Promise<Raced> {
  const { harness } = (await import(module)) as { harness: Harness }
  const space = await harness.open()
  try {
    const place = { STORE_MODULE: module, STORE_ARGUMENT: space.argument!, ...env }
    const result = await raced({ file: 'sess-express.ts' }, place, trials, async (found) => found)
    return { name: title ?? harness.name, result, versions: await versionsOf(harness) }
  } finally {
    await space.close()
  }
}

await printAndExit(
  values.store.map(subjectOf).map((subject) => () => raceOn(subject)),
  trials,
)

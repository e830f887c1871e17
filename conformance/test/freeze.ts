/**
 * Writes the ids of all cases, in their order, into src/contract-1.json: `pnpm --filter @sess/conformance freeze`. Before a
 * release the list of a contract's version may grow; afterwards a new case belongs to the next version.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cases } from '../src/cases/all.ts'
import { serializerCases } from '../src/cases/serialization/serialization.ts'

const file = new URL('../src/contract-1.json', import.meta.url)
const before = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<'store' | 'serializer', readonly string[]>>
const now = { store: cases.map(({ id }) => id), serializer: serializerCases.map(({ id }) => id) }
writeFileSync(file, `${JSON.stringify({ contract: 1, ...now }, undefined, 2)}\n`)
for (const kind of ['store', 'serializer'] as const) {
  for (const id of now[kind].filter((one) => !before[kind].includes(one))) console.log(`+ ${id}`)
  for (const id of before[kind].filter((one) => !now[kind].includes(one))) console.log(`- ${id}`)
}

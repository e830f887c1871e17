/** Runs the whole table against broken bindings, all or those whose names hold a text, and prints which rows catch each. */
import { httpCases } from '@sess/conformance/http'
import { brokenHarnessOf } from './broken-binding.ts'
import { httpMutants } from './mutants.ts'

// A broken binding may leave promises and sockets that nobody waits for.
process.on('unhandledRejection', () => {})
process.on('uncaughtException', () => {})

const wanted = process.argv.slice(2)
let missed = 0
for (const mutant of httpMutants) {
  const name = `${mutant.binding}: ${mutant.text}`
  if (wanted.length && !wanted.some((text) => name.includes(text))) continue
  const harness = await brokenHarnessOf(mutant).catch((error: unknown) => {
    console.error(name, error)
    process.exit(2)
  })
  const rows: string[] = []
  for (const row of httpCases)
    await row.run(harness, 2500).catch(() => {
      rows.push(row.id)
    })
  if (!rows.length) missed++
  console.log(rows.length ? 'caught' : 'MISSED', name, rows.join(' '))
}
console.log(`${missed} missed`)
process.exit(missed ? 1 : 0)

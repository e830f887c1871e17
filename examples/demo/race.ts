import { parseArgs } from 'node:util'
import { SetupError, textReport } from '@sess/race'
import { raceDemo } from './test/race-demo.ts'

const { values } = parseArgs({ options: { trials: { type: 'string', default: '1000' } } })

try {
  const result = await raceDemo({ trials: Number(values.trials), maxTimeMs: 1_800_000, onProgress: report() })
  console.log(textReport(result))
  process.exitCode = result.verdict === 'clean' ? 0 : 1
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

/** Writes a line to standard error for each race. */
function report(): NonNullable<Parameters<typeof raceDemo>[0]['onProgress']> {
  let last = ''
  return (progress) => {
    const name = progress.phase === 'race' ? progress.race : progress.phase
    if (name !== last) console.error(`${name} …`)
    last = name
  }
}

import { expect, test } from 'vitest'
import { raceDemo } from './test/race-demo.ts'

const CHECKS = [
  'write-lost',
  'alive-after-logout',
  'alive-after-login',
  'sign-in-lost',
  'lost-over-login',
  'fixated',
  'made-up-adopted',
  'ended-adopted',
]

test(
  'two processes on one file, raced over HTTP: no write is lost, no session comes back, no ID is adopted',
  { timeout: 600_000 },
  async () => {
    const { rows, verdict } = await raceDemo({ trials: 40 })
    expect(rows.map(({ check, status, found }) => ({ check, status, found }))).toEqual(
      CHECKS.map((check) => ({ check, status: 'clean', found: 0 })),
    )
    expect(verdict).toBe('clean')
    for (const { check, judged } of rows) expect(judged, check).toBeGreaterThan(30)
  },
)

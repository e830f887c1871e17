/** The three races of the race lab. */
export type RaceName = 'writes' | 'logout' | 'login'

/** The counts of `@sess/race` for one kind of session. */
export interface Measured {
  /** The names of its libraries, as in the table of the repository's README. */
  readonly of: string
  readonly counts: Readonly<Record<RaceName, string>>
}

/** The counts for libraries that overwrite, of 1,000 trials of each race: from the table in the repository's README. A test compares both. */
export const OVERWRITING: readonly Measured[] = [
  {
    of: 'express-session 1.19 + connect-redis 10',
    counts: { writes: '1000 of 1000', logout: '917 of 1000', login: '902 of 1000' },
  },
  {
    of: '@fastify/session 11 + connect-redis 10',
    counts: { writes: '1000 of 1000', logout: '922 of 1000', login: '907 of 1000' },
  },
]

/** The counts for @sess, from the same table. */
export const OURS: readonly Measured[] = [
  { of: '@sess/express on Redis', counts: { writes: '0 of 1000', logout: '0 of 1000', login: '0 of 1000' } },
  { of: '@sess/express on SQLite', counts: { writes: '0 of 1000', logout: '0 of 1000', login: '0 of 1000' } },
]

import type { Case, Clause } from '../contract.ts'
import { clock } from './clock.ts'
import { clockOfSessions } from './clock-sessions.ts'
import { commits } from './commits.ts'
import { expired } from './expired.ts'
import { faults } from './faults.ts'
import { lostConnections } from './lost-connections.ts'
import { histories } from './histories.ts'
import { hostileBytes } from './hostile-bytes.ts'
import { identity } from './identity.ts'
import { fullPlaces } from './full.ts'
import { lateWrites } from './late-writes.ts'
import { leftBehind } from './left-behind.ts'
import { lifeCycle } from './life-cycle.ts'
import { listsUnderWrites } from './lists-under-writes.ts'
import { login } from './login.ts'
import { loginRaces } from './login-races.ts'
import { outages } from './outages.ts'
import { models } from './models.ts'
import { outcomes } from './outcomes.ts'
import { races } from './races.ts'
import { racesOfRequests } from './races-of-requests.ts'
import { revocations } from './revocations.ts'
import { rotation } from './rotation.ts'
import { roundTrip } from './round-trip.ts'
import { scale } from './scale.ts'
import { sealedBytes } from './sealed-bytes.ts'
import { secrets } from './secrets.ts'
import { subjects } from './subjects.ts'
import { sweepRaces } from './sweeps.ts'
import { switching } from './switching.ts'
import { traits } from './traits.ts'

const CLAUSES: readonly Clause[] = [
  'identity',
  'round-trip',
  'clock',
  'races',
  'rotation-login',
  'subjects',
  'serialization',
  'hostile-bytes',
  'faults',
  'scale',
  'life-cycle',
]

const all: readonly Case[] = [
  ...identity,
  ...secrets,
  ...roundTrip,
  ...commits,
  ...clock,
  ...expired,
  ...clockOfSessions,
  ...races,
  ...sweepRaces,
  ...racesOfRequests,
  ...lateWrites,
  ...rotation,
  ...login,
  ...loginRaces,
  ...outcomes,
  ...subjects,
  ...leftBehind,
  ...listsUnderWrites,
  ...revocations,
  ...switching,
  ...hostileBytes,
  ...sealedBytes,
  ...faults,
  ...lostConnections,
  ...outages,
  ...fullPlaces,
  ...histories,
  ...scale,
  ...traits,
  ...lifeCycle,
  ...models,
]

/** All cases for stores, and for sessions over them, in the order of the clauses. */
export const cases: readonly Case[] = CLAUSES.flatMap((clause) => all.filter((item) => item.clause === clause))

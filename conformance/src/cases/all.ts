import type { Case } from '../contract.ts'
import { clock } from './clock/clock.ts'
import { clockOfSessions } from './clock/clock-sessions.ts'
import { historiesOfClocks } from './clock/histories.ts'
import { clocksAhead } from './clock/clocks-ahead.ts'
import { expired } from './clock/expired.ts'
import { modelsOfTime } from './clock/models.ts'
import { cutPages } from './faults/cut-pages.ts'
import { demotions } from './faults/demotion.ts'
import { faults } from './faults/faults.ts'
import { fullPlaces } from './faults/full.ts'
import { historiesOfCuts } from './faults/histories.ts'
import { heldUp } from './faults/held-up.ts'
import { lostConnections } from './faults/lost-connections.ts'
import { outages } from './faults/outages.ts'
import { hostileBytes } from './hostile-bytes/hostile-bytes.ts'
import { sealedBytes } from './hostile-bytes/sealed-bytes.ts'
import { alikeKeys } from './identity/alike-keys.ts'
import { identity } from './identity/identity.ts'
import { secrets } from './identity/secrets.ts'
import { lifeCycle } from './life-cycle/life-cycle.ts'
import { traits } from './life-cycle/traits.ts'
import { atOnce } from './races/at-once.ts'
import { duringACall } from './races/during-a-call.ts'
import { histories } from './races/histories.ts'
import { lateWrites } from './races/late-writes.ts'
import { races } from './races/races.ts'
import { racesOfRequests } from './races/races-of-requests.ts'
import { sweepRaces } from './races/sweeps.ts'
import { login } from './rotation-login/login.ts'
import { loginRaces } from './rotation-login/login-races.ts'
import { modelsOfSessions } from './rotation-login/models.ts'
import { outcomes } from './rotation-login/outcomes.ts'
import { rotation } from './rotation-login/rotation.ts'
import { commits } from './round-trip/commits.ts'
import { modelsOfRecords } from './round-trip/models.ts'
import { roundTrip } from './round-trip/round-trip.ts'
import { throughAllMethods } from './round-trip/through-all-methods.ts'
import { scale } from './scale/scale.ts'
import { switching } from './serialization/switching.ts'
import { historiesOfRevocations } from './subjects/histories.ts'
import { leftBehind } from './subjects/left-behind.ts'
import { listsUnderWrites } from './subjects/lists-under-writes.ts'
import { modelsOfSubjects } from './subjects/models.ts'
import { pages } from './subjects/pages.ts'
import { revocations } from './subjects/revocations.ts'
import { subjects } from './subjects/subjects.ts'

/** All cases for stores, and for sessions over them, in the order of the clauses. */
export const cases: readonly Case[] = [
  ...identity,
  ...alikeKeys,
  ...secrets,
  ...roundTrip,
  ...throughAllMethods,
  ...commits,
  ...modelsOfRecords,
  ...clock,
  ...expired,
  ...clocksAhead,
  ...clockOfSessions,
  ...modelsOfTime,
  ...historiesOfClocks,
  ...races,
  ...sweepRaces,
  ...racesOfRequests,
  ...lateWrites,
  ...histories,
  ...atOnce,
  ...duringACall,
  ...rotation,
  ...login,
  ...loginRaces,
  ...outcomes,
  ...modelsOfSessions,
  ...subjects,
  ...leftBehind,
  ...listsUnderWrites,
  ...pages,
  ...revocations,
  ...historiesOfRevocations,
  ...modelsOfSubjects,
  ...switching,
  ...hostileBytes,
  ...sealedBytes,
  ...faults,
  ...lostConnections,
  ...cutPages,
  ...outages,
  ...heldUp,
  ...demotions,
  ...fullPlaces,
  ...historiesOfCuts,
  ...scale,
  ...traits,
  ...lifeCycle,
]

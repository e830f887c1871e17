import { clock } from './clock.ts'
import { faults } from './faults.ts'
import { lostConnections } from './lost-connections.ts'
import { hostileBytes } from './hostile-bytes.ts'
import { identity } from './identity.ts'
import { lifeCycle } from './life-cycle.ts'
import { races } from './races.ts'
import { rotationLogin } from './rotation-login.ts'
import { roundTrip } from './round-trip.ts'
import { scale } from './scale.ts'
import { subjects } from './subjects.ts'
import type { Case } from '../contract.ts'

/** All cases for stores, and for sessions over them, in the order of the clauses. */
export const cases: readonly Case[] = [
  ...identity,
  ...roundTrip,
  ...clock,
  ...races,
  ...rotationLogin,
  ...subjects,
  ...hostileBytes,
  ...faults,
  ...lostConnections,
  ...scale,
  ...lifeCycle,
]

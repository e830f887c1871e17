import { clock } from './cases/clock.ts'
import { faults } from './cases/faults.ts'
import { hostileBytes } from './cases/hostile-bytes.ts'
import { identity } from './cases/identity.ts'
import { lifeCycle } from './cases/life-cycle.ts'
import { races } from './cases/races.ts'
import { rotationLogin } from './cases/rotation-login.ts'
import { roundTrip } from './cases/round-trip.ts'
import { scale } from './cases/scale.ts'
import { subjects } from './cases/subjects.ts'
import type { Case } from './contract.ts'

export type { Case, CaseContext, Clause, Connection, Harness, Result, SerializerCase, Space, Task } from './contract.ts'
export { runCase } from './run.ts'
export { serializerCases } from './cases/serialization.ts'

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
  ...scale,
  ...lifeCycle,
]

export { bind, bindSerializer, type BoundSuite, type BoundTest, type Outcome } from './binding.ts'
export { cases } from './cases/all.ts'
export { serializerCases } from './cases/serialization/serialization.ts'
export type {
  Case,
  CaseContext,
  Clause,
  Connection,
  Demotion,
  Deviation,
  Full,
  Harness,
  Index,
  Layer,
  Raw,
  RunOptions,
  SerializerCase,
  Space,
} from './contract.ts'
export type { Fault, FaultOptions, Faults } from './fault-switch.ts'
export { harnessOf, type HarnessParts, type Namespace } from './harness.ts'
export { CounterExample, HarnessError, Inconclusive, type Failure, type Result, type Step } from './result.ts'
export type { CaseReport, Report } from './report/report.ts'
export { runCase, runSerializerCase } from './run.ts'
export { runSerializerSuite, runSuite, type SuiteOptions } from './suite.ts'
export type { Task } from './task.ts'

/**
 * Faults between a client and its server, for harnesses.
 *
 * @module
 */
export type { Fault, FaultOptions, Faults } from './fault-switch.ts'
export { fullFiles } from './full-files.ts'
export { SocketFaults, type Target } from './socket-faults.ts'

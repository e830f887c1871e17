/**
 * Faults between a client and its server, for harnesses.
 *
 * @module
 */
export type { Fault, FaultOptions, Faults } from './fault-switch.ts'
export { fullFiles } from './full-files.ts'
export { reservePort, type PortRange, type ReservedPort } from './reserved-port.ts'
export { SocketFaults, type Target } from './socket-faults.ts'

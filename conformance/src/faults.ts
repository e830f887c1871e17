/**
 * Trouble between a client and its server, for harnesses: what can be made, and proxies that make it.
 *
 * @module
 */
export type { Fault, FaultOptions, Faults } from './fault-switch.ts'
export { SocketFaults, type Target } from './socket-faults.ts'

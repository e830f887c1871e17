import { reservePort } from '@sess/conformance/faults'

/*
 * Below the ports of outgoing connections (from 32,768 on Linux), so that no client takes the port of a server while it restarts; so are
 * the ports that nodes of a Redis Cluster use among themselves, which are 10,000 above.
 */
const PORTS = { first: 10_000, last: 20_000 }

/** Finds a free port of 127.0.0.1. No other process finds the same port until this process ends. */
export async function freePort(): Promise<number> {
  return (await reservePort(PORTS)).port
}

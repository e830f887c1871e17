import { Client } from 'memjs'

/** More patient than memjs by itself: the machine may be busy. To be copied, for memjs writes into its options. */
const SLOW_MACHINE = { timeout: 5, conntimeout: 5, logger: { log() {} } }

/** A client of servers on these ports. */
export function clientOf(...ports: number[]): Client {
  return Client.create(ports.map((port) => `127.0.0.1:${port}`).join(), { ...SLOW_MACHINE })
}

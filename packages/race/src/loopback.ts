import { lookup as resolve, type LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { SetupError } from './setup-error.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean => loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

const refusal = (host: string, address: string): SetupError =>
  new SetupError(
    'not_loopback',
    `${host} is ${address === host ? 'not on this machine' : `${address}, which is not on this machine`}. Only servers at loopback addresses are tested; for a remote test instance of your own, pass --allow-remote`,
  )

/** Refuses a server that is not under a loopback address. @throws {SetupError} `not_loopback`, `unreachable`. */
export async function requireLoopback(server: URL): Promise<void> {
  const host = server.hostname.replaceAll(/^\[|\]$/g, '')
  const addresses = isIP(host)
    ? [host]
    : await lookup(host, { all: true }).then(
        (all) => all.map(({ address }) => address),
        (cause: unknown) => {
          throw new SetupError('unreachable', `${host} has no address; check the URL`, { cause })
        },
      )
  const remote = addresses.find((address) => !isLoopback(address))
  if (remote !== undefined) throw refusal(host, remote)
}

/** The same check at each connection, since the address of a name may change. */
export const lookupLoopback: LookupFunction = (host, options, callback) => {
  resolve(host, { ...options, all: true }, (error: Error | null, addresses: LookupAddress[]) => {
    if (error) return callback(error, [])
    const remote = addresses.find(({ address }) => !isLoopback(address))
    if (remote) return callback(refusal(host, remote.address), [])
    if (options.all) return callback(null, addresses)
    callback(null, addresses[0]!.address, addresses[0]!.family)
  })
}

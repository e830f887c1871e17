import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { SocketFaults } from './faults.ts'
import { closed, listens, reservePort } from './reserved-port.ts'

/** A range of one pair of ports, which is free. */
async function onePair(): Promise<{ first: number; last: number }> {
  const { port, release } = await reservePort()
  await release()
  return { first: port, last: port + 2 }
}

test('no other process can reserve a reserved port on which nothing listens', async () => {
  const range = await onePair()
  const reserved = await reservePort(range)
  expect(reserved.port).toBe(range.first)
  await expect(reservePort(range)).rejects.toThrow(`no port from ${range.first} to ${range.last}`)

  await reserved.release()
  const again = await reservePort(range)
  await again.release()
})

test('a port on which another server listens is not reserved', async () => {
  const range = await onePair()
  const server = createServer()
  expect(await listens(server, range.first)).toBe(true)
  await expect(reservePort(range)).rejects.toThrow('is free')
  await closed(server)
})

test('a proxy that is down refuses connections, and keeps its port', async () => {
  const upstream = createServer((socket) => socket.end('hello'))
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  const faults = new SocketFaults()
  const port = await faults.listen({ port: (upstream.address() as { port: number }).port })
  faults.inject('down')

  await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(reservePort({ first: port, last: port + 2 })).rejects.toThrow('is free')

  await faults.heal()
  const socket = connect(port, '127.0.0.1')
  expect(String((await once(socket, 'data'))[0])).toBe('hello')
  socket.destroy()
  await faults.close()
  await closed(upstream)
  await (await reservePort({ first: port, last: port + 2 })).release()
})

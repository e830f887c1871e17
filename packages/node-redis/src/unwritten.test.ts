import { once } from 'node:events'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startRedis, tap, type TestServer } from '@sess/test-servers'
import { clientOf, type TestClient } from '../test/client.ts'
import { TEXT } from './commands.ts'
import { Unwritten } from './unwritten.ts'

let server: TestServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

test.each([5, 6] as const)(
  'a client of redis %d that gets a command in the same turn in which it loses its connection connects again',
  async (major) => {
    const way = await tap(server.port)
    // To look up a name takes some turns of the event loop, so the client connects again after the late write.
    const open = (): TestClient => clientOf(way.port, { major, host: 'localhost' })
    const pair = [open(), open()] as const
    onTestFinished(async () => {
      for (const client of pair) client.destroy()
      await way.stop()
    })
    await Promise.all(pair.map((client) => once(client, 'ready')))

    // At the first client's `error` the second client gets a command. It takes the command, and loses its connection before it writes.
    const answers: Promise<unknown>[] = []
    const senders = pair.map((client) => new Unwritten(client))
    const echoBy = (sender: Unwritten): number =>
      answers.push(sender.send(['ECHO', 'late'], TEXT).catch((error: Error) => error.message))
    for (const [i, client] of pair.entries())
      client.once('error', () => {
        echoBy(senders[1 - i]!)
        echoBy(senders[i]!)
      })
    const lost = pair.map((client) => once(client, 'error'))
    way.cut()
    await Promise.all(lost)

    const seen = await Promise.all(answers)
    expect(seen).toHaveLength(4)
    expect(seen.filter((answer) => answer !== 'late')).toEqual([
      'The command was not sent, for the connection was lost',
    ])
    expect(await Promise.all(senders.map((sender) => sender.send(['PING'], TEXT)))).toEqual(['PONG', 'PONG'])
  },
)

test.each([5, 6] as const)(
  'a client of redis %d goes on after two commands in its queue were aborted',
  async (major) => {
    const client = clientOf(server.port, { major })
    onTestFinished(() => client.destroy())
    await once(client, 'ready')
    const sender = new Unwritten(client)
    const controller = new AbortController()
    const options = { ...TEXT, abortSignal: controller.signal }
    const echo = (): Promise<unknown> =>
      client.sendCommand(['ECHO', 'late'], options).catch((error: Error) => error.message)
    const aborted = [echo(), echo()]
    controller.abort()
    sender.mend()
    expect(await Promise.all(aborted)).toEqual(['The command was aborted', 'The command was aborted'])
    expect(await sender.send(['ECHO', 'next'], TEXT)).toBe('next')
  },
)

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { eventually, row, text } from './app.ts'
import type { Client } from './client.ts'
import type { HttpAnswer, HttpCase } from './contract.ts'

const SWITCHED: HttpAnswer = {
  status: 101,
  headers: [
    ['connection', 'Upgrade'],
    ['upgrade', 'websocket'],
  ],
}

/** Rows on upgraded connections, whose answer has no end, and has no HTTP after its head. */
export const upgradeCases: readonly HttpCase[] = [
  row(
    'upgrade/not-used',
    'an answer of 101 whose session was not used is left as it is, and the server goes on',
    (session, { url }) => {
      void [session]
      return url.endsWith('/socket') ? SWITCHED : text('page')
    },
    async ({ begin, client, get, calls, errors, events }) => {
      for (const cookie of [undefined, await begin()]) {
        calls.length = 0
        const head = await openSocket(client, cookie)
        assert.match(head, /^HTTP\/1\.1 101 /)
        assert.doesNotMatch(head, /^(?:set-cookie|vary|cache-control):/im)
        assert.deepEqual(calls, cookie === undefined ? [] : ['read'])
        assert.equal((await get()).body, 'page')
      }
      assert.deepEqual([errors, events], [[], []])
    },
  ),
  row(
    'upgrade/changed',
    'what a stored session changed before an answer of 101 is stored',
    (session) => {
      session.data['n'] = 2
      return SWITCHED
    },
    async ({ begin, client, stored, errors, events }) => {
      const cookie = await begin()
      assert.match(await openSocket(client, cookie), /^HTTP\/1\.1 101 /)
      await eventually(async () => (await stored(cookie)).data, { n: 2 })
      assert.deepEqual([errors, events], [[], []])
    },
  ),
]

/** Asks for a WebSocket, and closes the connection once the head of the answer has come. @returns The head. */
async function openSocket(client: Client, cookie: string | undefined): Promise<string> {
  const socket = client.unread(
    `GET /app/socket HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n${cookie === undefined ? '' : `Cookie: ${cookie}\n`}\n`,
  )
  let read = ''
  while (!read.includes('\r\n\r\n')) {
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    read += bytes.toString('latin1')
  }
  socket.destroy()
  return read
}

import type { Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'

/** A call of what the server offers. */
export interface Call {
  readonly id: number
  readonly method: string
  readonly values: readonly unknown[]
}

/** Its answer. */
export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly code: string | undefined; readonly message: string }
}

/** What a replica says of a write. */
export const READONLY = 'this server is a replica: it takes no writes'

/** Writes a message: its length, and what v8 makes of it. */
export function send(socket: Socket, message: Call | Answer): void {
  const body = serialize(message)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  socket.write(Buffer.concat([head, body]))
}

/** Calls back with each whole message. One that cannot be read ends the connection, as nothing behind it could. */
export function receive(socket: Socket, each: (message: never) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE()
      const body = rest.subarray(4, end)
      rest = rest.subarray(end)
      try {
        each(deserialize(body) as never)
      } catch {
        return void socket.destroy()
      }
    }
  })
}

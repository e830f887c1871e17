import { createServer, type Server, type Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import type { SessionStore } from '@sess/core'

/** A call over the wire, and its answer: each a length and what v8 makes of it. */
export interface Call {
  readonly id: number
  readonly method: keyof SessionStore
  readonly args: unknown[]
}
export interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly message: string; readonly code?: string }
}

/** Serves a store of this process to others, on a free port of the loopback. */
export async function serve(store: SessionStore): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    messages<Call>(socket, (call) => void answer(store, call).then((reply) => send(socket, reply)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port, close }
}

async function answer(store: SessionStore, { id, method, args }: Call): Promise<Reply> {
  try {
    if (method === 'list') {
      const entries: unknown[] = []
      for await (const entry of store.list!(...(args as Parameters<NonNullable<SessionStore['list']>>)))
        entries.push(entry)
      return { id, value: entries }
    }
    return { id, value: await (store[method] as (...values: unknown[]) => Promise<unknown>)(...args) }
  } catch (error) {
    const { message, code } = error as { message: string; code?: string }
    return { id, error: { message, ...(code !== undefined && { code }) } }
  }
}

/** Writes one message. */
export function send(socket: Socket, message: Call | Reply): void {
  const bytes = serialize(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  socket.write(Buffer.concat([length, bytes]))
}

/** Reads messages. */
export function messages<T>(socket: Socket, take: (message: T) => void): void {
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE()
      take(deserialize(bytes.subarray(4, end)) as T)
      bytes = bytes.subarray(end)
    }
  })
}

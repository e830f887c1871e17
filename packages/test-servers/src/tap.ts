import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

/** A proxy to a server on 127.0.0.1 that counts round trips, and can cut connections or lose data. */
export interface Tap extends AsyncDisposable {
  /** The port for clients. */
  readonly port: number
  /** The number of round trips: how often a client wrote for the first time, or after an answer. */
  turns: number
  /** The number of pieces that clients wrote. */
  writes: number
  /** True: the data of clients is lost from now on. */
  deaf: boolean
  /** True: the answers of the server are lost from now on. */
  mute: boolean
  /** True: new connections are closed at once. */
  closed: boolean
  /** Cuts all open connections. */
  cut(): void
  /** Ends the proxy. */
  stop(): Promise<void>
}

/** Starts a tap. @param target - The port of the server. */
export async function tap(target: number): Promise<Tap> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (it.closed) return void client.destroy()
    const upstream = connect(target, '127.0.0.1')
    const ends = [client, upstream] as const
    let answered = true
    client.on('data', (bytes) => {
      it.writes++
      if (answered) it.turns++
      answered = false
      if (!it.deaf) upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      answered = true
      if (!it.mute) client.write(bytes)
    })
    for (const end of ends) {
      sockets.add(end)
      end.setNoDelay(true)
      end.on('error', () => {})
      end.once('close', () => {
        sockets.delete(end)
        for (const other of ends) other.destroy()
      })
    }
  })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async (): Promise<void> => {
    cut()
    if (server.listening) await new Promise((done) => server.close(done))
  }
  const port = await freePort()
  const it: Tap = {
    port,
    turns: 0,
    writes: 0,
    deaf: false,
    mute: false,
    closed: false,
    cut,
    stop,
    [Symbol.asyncDispose]: stop,
  }
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return it
}

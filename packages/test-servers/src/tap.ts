import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

/** A way to a server on 127.0.0.1 that counts what passes, and can be broken. */
export interface Tap extends AsyncDisposable {
  /** Where clients connect to. */
  readonly port: number
  /** Round trips: how often something was asked after an answer, or for the first time. */
  turns: number
  /** In how many pieces clients wrote. */
  writes: number
  /** True: what clients write from now on is lost. */
  deaf: boolean
  /** True: what the server answers from now on is lost. */
  mute: boolean
  /** True: nobody is let in. */
  closed: boolean
  /** Cuts the connections that there are. */
  cut(): void
  /** Ends it. */
  stop(): Promise<void>
}

/** Opens a tap to a server. */
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

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Stands between a client and a server, and lets a test do what networks do. */
export class Proxy implements AsyncDisposable {
  /**
   * How many times requests came in. What a client sends in one tick comes in at once, for it runs in the same process: so
   * these are round trips.
   */
  flights = 0
  /** Waited for before requests are passed on; with false they are not. */
  onRequests: (bytes: Buffer, client: Socket) => Promise<boolean | void> | boolean | void = () => {}
  /** What becomes of replies. By default they are passed on. */
  onReplies: (bytes: Buffer, client: Socket) => void = (bytes, client) => void client.write(bytes)
  /** True: a connection that one side ends is not ended for the other, as on a slow network. */
  keepsOpen = false
  /** Connections that clients have now. */
  readonly clients = new Set<Socket>()
  readonly #server: Server

  private constructor(target: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      this.clients.add(client)
      let passed = Promise.resolve()
      client.on('data', (bytes: Buffer) => {
        this.flights++
        passed = passed.then(async () => {
          if ((await this.onRequests(bytes, client)) !== false) upstream.write(bytes)
        })
      })
      upstream.on('data', (bytes: Buffer) => this.onReplies(bytes, client))
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on('error', () => {})
        one.on('end', () => {
          if (!this.keepsOpen) other.end()
        })
        one.on('close', () => other.destroy())
      }
      client.on('close', () => this.clients.delete(client))
    })
  }

  static async start(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The flights that something takes. */
  async during(task: () => Promise<unknown>): Promise<number> {
    const before = this.flights
    await task()
    return this.flights - before
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    for (const client of this.clients) client.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }
}

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Profiler } from 'node:inspector'

/** A server in a process of its own, and the sessions that were made there. */
export class Contestant implements AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly cookies: readonly string[]
  readonly #process: ChildProcess

  private constructor(name: string, url: string, cookies: readonly string[], server: ChildProcess) {
    this.name = name
    this.url = url
    this.cookies = cookies
    this.#process = server
  }

  /**
   * Starts `servers/NAME.ts` and makes sessions there.
   *
   * @param urls - Of the databases, by the names of the variables that servers read.
   * @param sessions - How many.
   */
  static async start(name: string, urls: Readonly<Record<string, string>>, sessions: number): Promise<Contestant> {
    const server = fork(new URL(`servers/${name}.ts`, import.meta.url), {
      env: { ...process.env, NODE_ENV: 'production', ...urls },
    })
    const [port] = (await Promise.race([
      once(server, 'message'),
      once(server, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with exit code ${code}`))),
    ])) as [number]
    const url = `http://127.0.0.1:${port}`
    const cookies: string[] = []
    for (let i = 0; i < sessions; i++) {
      const response = await fetch(`${url}/start`)
      await response.arrayBuffer()
      const [cookie] = response.headers.getSetCookie()
      if (response.status !== 200) throw new Error(`${name}: /start answered ${response.status}`)
      if (cookie !== undefined) cookies.push(cookie.split(';')[0]!)
    }
    return new Contestant(name, url, cookies, server)
  }

  /** Profiles the server while something is done. */
  async profile<T>(work: () => Promise<T>): Promise<{ readonly profile: Profiler.Profile; readonly result: T }> {
    await this.#ask('profile')
    const result = await work()
    return { profile: (await this.#ask('profile')) as Profiler.Profile, result }
  }

  /** The CPU time, in microseconds, that the server's process has used so far: all its threads, user and system. */
  async cpuTime(): Promise<number> {
    return (await this.#ask('cpu')) as number
  }

  async #ask(what: 'profile' | 'cpu'): Promise<unknown> {
    const answer = once(this.#process, 'message')
    this.#process.send(what)
    return ((await answer) as unknown[])[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#process, 'exit')
    this.#process.kill()
    await gone
  }
}

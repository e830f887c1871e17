import { createSessions, memoryStore, type Session, type Sessions } from '@sess/core'
import { launchChromium } from '@sess/test-servers/chromium'
import { describe, expect, onTestFinished, test } from 'vitest'

/** What the application of a trial answers, to every method, whatever its framework. */
export interface Route {
  readonly path: string
  /** Of the content. */
  readonly type: 'text/plain' | 'text/html'
  answer(session: () => Session): Promise<string | AsyncIterable<string>>
}

/** Makes a server of a framework with its packages for CORS and compression in front of the session, or behind it. */
export type Serve = (
  sessions: Sessions,
  order: 'in front' | 'behind',
  routes: readonly Route[],
) => Promise<{ readonly url: string; close(): Promise<void> }>

/** The one origin that the packages are to let in, with credentials. */
export const ORIGIN = 'https://shop.example'
/** Longer than any package's threshold. */
const LONG = 'a word and another '.repeat(200)

/** Tests a binding in Chromium, and with the packages for CORS and compression that its users have. */
export function inUse(name: string, serve: Serve): void {
  test(`${name} in Chromium: a counter, a sign-in and a sign-out`, async () => {
    const page = ({ subject, data }: Session): string => `<!doctype html><title>${name}</title>
      <p>${subject ?? 'nobody'}, ${Number(data['visits'] ?? 0)}</p>
      <form method="post" action="/visit"><button>Count</button></form>
      <form method="post" action="/login"><button>Sign in</button></form>
      <form method="post" action="/logout"><button>Sign out</button></form>`
    const does = (path: string, act: (session: Session) => unknown): Route => ({
      path,
      type: 'text/html',
      async answer(session) {
        await act(session())
        return page(session())
      },
    })
    const sessions = createSessions({ store: memoryStore(), log: false })
    const { url, close } = await serve(sessions, 'in front', [
      does('/', () => {}),
      does('/visit', ({ data }) => (data['visits'] = Number(data['visits'] ?? 0) + 1)),
      does('/login', (session) => session.login('ann')),
      does('/logout', (session) => session.logout()),
    ])
    onTestFinished(close)
    const chromium = await launchChromium()
    onTestFinished(() => chromium.close())
    const context = await chromium.newContext()
    const cookie = async (): Promise<string | undefined> => (await context.cookies())[0]?.value
    const tab = await context.newPage()
    const press = async (button: string, shown: string): Promise<void> => {
      await tab.getByRole('button', { name: button }).click()
      await tab.getByText(shown, { exact: true }).waitFor()
    }
    await tab.goto(url)
    expect(await tab.getByText('nobody, 0').isVisible()).toBe(true)
    expect(await context.cookies()).toEqual([])
    await press('Count', 'nobody, 1')
    const anonymous = await cookie()
    await press('Count', 'nobody, 2')
    expect(await cookie()).toBe(anonymous)
    await press('Sign in', 'ann, 2')
    const signedIn = await cookie()
    expect(signedIn).not.toBe(anonymous)
    expect(await context.cookies()).toMatchObject([{ name: 'sid', httpOnly: true, sameSite: 'Lax', path: '/' }])
    await press('Count', 'ann, 3')
    await press('Sign out', 'nobody, 0')
    expect(await context.cookies()).toEqual([])
    expect((await sessions.load(signedIn)).status).toBe('new')
  })

  describe.each(['in front', 'behind'] as const)(`${name}, CORS and compression %s of the session`, (order) => {
    async function trial(): Promise<{ sessions: Sessions; ask: (path: string, cookie?: string) => Promise<Seen> }> {
      const sessions = createSessions({ store: memoryStore(), log: false })
      const late = async function* (session: Session): AsyncIterable<string> {
        yield LONG
        session.data['late'] = 1
        yield 'the end'
      }
      const { url, close } = await serve(sessions, order, [
        {
          path: '/login',
          type: 'text/plain',
          answer: async (session) =>
            session()
              .login('ann')
              .then(() => LONG),
        },
        { path: '/read', type: 'text/plain', answer: async (session) => `${session().subject} ${LONG}` },
        { path: '/untouched', type: 'text/plain', answer: async () => LONG },
        {
          path: '/stream',
          type: 'text/plain',
          async answer(session) {
            void session().data
            return late(session())
          },
        },
      ])
      onTestFinished(close)
      return { sessions, ask: (path, cookie) => ask(url + path, cookie) }
    }

    test('a sign-in has its cookie, and the body is compressed', async () => {
      const { ask } = await trial()
      const { cookie, ...seen } = await ask('/login')
      expect(cookie).toMatch(/^sid=[\w-]{60}$/)
      expect(seen).toMatchObject({ status: 200, body: LONG, vary: ['cookie', 'origin'], caching: 'private, no-store' })
      expect((await ask('/read', cookie)).body).toBe(`ann ${LONG}`)
    })

    test('a page that reads the session is private; a page that does not has no field of the session', async () => {
      const { ask } = await trial()
      const { cookie } = await ask('/login')
      expect(await ask('/read', cookie)).toMatchObject({ vary: ['cookie', 'origin'], caching: 'private', cookie: '' })
      expect(await ask('/untouched', cookie)).toMatchObject({ vary: ['origin'], caching: undefined, cookie: '' })
    })

    test('a change while a compressed body streams is stored', async () => {
      const { ask, sessions } = await trial()
      const { cookie } = await ask('/login')
      const { body } = await ask('/stream', cookie)
      expect(body).toBe(`${LONG}the end`)
      expect((await sessions.load(cookie.slice(4))).data).toEqual({ late: 1 })
    })
  })
}

interface Seen {
  readonly status: number
  readonly body: string
  /** In lower case, sorted; Accept-Encoding apart, which not every package adds. */
  readonly vary: readonly string[]
  readonly caching: string | undefined
  readonly cookie: string
}

async function ask(url: string, cookie?: string): Promise<Seen> {
  const response = await fetch(url, {
    headers: { origin: ORIGIN, 'accept-encoding': 'gzip', ...(cookie && { cookie }) },
  })
  const { headers, status } = response
  expect(headers.get('access-control-allow-origin')).toBe(ORIGIN)
  expect(headers.get('access-control-allow-credentials')).toBe('true')
  expect(headers.get('content-encoding')).toBe('gzip')
  const vary = (headers.get('vary') ?? '').toLowerCase().split(/, */)
  return {
    status,
    // Decompressed by fetch: what is no gzip rejects.
    body: await response.text(),
    vary: vary.filter((field) => field !== 'accept-encoding').toSorted(),
    caching: headers.get('cache-control') ?? undefined,
    cookie: headers.getSetCookie().at(-1)?.split(';')[0] ?? '',
  }
}

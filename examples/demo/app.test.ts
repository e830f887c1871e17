import { existsSync, readFileSync } from 'node:fs'
import { SessError, type SessionStore } from '@sess/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { deviceOf } from './device.ts'
import { OURS, OVERWRITING, type RaceName } from './measured.ts'
import { demo } from './test/folder.ts'
import { JSON_PLEASE, Visitor } from './test/visitor.ts'

/** A store that writes down which of its methods were called. */
function counting(calls: string[]): (store: SessionStore) => SessionStore {
  return (store) =>
    new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          calls.push(String(name))
          return Reflect.apply(value, target, args) as unknown
        }
      },
    })
}

test('each HTTP request makes no more calls into the store than it needs', async () => {
  const calls: string[] = []
  const { url } = await demo({ wrapStore: counting(calls) })
  const during = async (request: () => Promise<Response>): Promise<string[]> => {
    calls.length = 0
    await (await request()).text()
    return [...calls]
  }
  const visitor = new Visitor(url)
  expect(await during(() => visitor.get('/'))).toEqual([])
  expect(await during(() => visitor.get('/style.css'))).toEqual([])
  expect(visitor.cookies.size, 'an untouched session sets no cookie').toBe(0)

  expect(await during(() => visitor.post('/basket', { item: 'Ink' }))).toEqual(['create'])
  expect(await during(() => visitor.get('/'))).toEqual(['read'])
  expect(await during(() => visitor.post('/basket', { item: 'Ink' }))).toEqual(['read', 'replace'])
  expect(await during(() => visitor.signIn('ada'))).toEqual(['read', 'create', 'replace'])
  expect(await during(() => visitor.get('/')), 'the welcome is read, and taken out').toEqual(['read', 'replace'])
  expect(await during(() => visitor.get('/'))).toEqual(['read'])
  expect(await during(() => visitor.get('/me'))).toEqual(['read'])
  expect(await during(() => visitor.post('/notes', { key: 'a', value: '1' }))).toEqual(['read', 'replace'])
  expect(await during(() => visitor.get('/devices'))).toEqual(['read', 'list'])
  expect(await during(() => visitor.post('/logout', {}, JSON_PLEASE))).toEqual(['read', 'delete'])
  expect(await during(() => visitor.signIn('ada')), 'from nothing').toEqual(['create'])
  expect(await during(() => visitor.post('/logout')), 'a goodbye is a new session').toEqual([
    'read',
    'delete',
    'create',
  ])
})

describe('signing in', () => {
  test('a wrong password says so, keeps the name and sets no cookie', async () => {
    const { url } = await demo()
    const visitor = new Visitor(url)
    const response = await visitor.post('/login', { user: '"><script>alert(1)</script>', password: 'wrong' })
    const page = await response.text()
    expect(response.status).toBe(401)
    expect(page).toContain('role="alert"')
    expect(page).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
    expect(page).not.toContain('<script>alert')
    expect(visitor.cookies.size).toBe(0)
  })

  test('keeps the basket and the notes', async () => {
    const { url } = await demo()
    const visitor = new Visitor(url)
    await visitor.post('/basket', { item: 'Ink' })
    await visitor.post('/notes', { key: 'a', value: '1' })
    await visitor.signIn('ada')
    expect(await visitor.me()).toMatchObject({ subject: 'ada', basket: { Ink: 1 }, notes: { a: '1' } })
  })

  test("carries nothing from one person's session into another's", async () => {
    const { url } = await demo()
    const visitor = new Visitor(url)
    await visitor.signIn('ada')
    await visitor.post('/notes', { key: 'diary', value: 'mine' })
    await visitor.signIn('bob')
    expect(await visitor.me()).toMatchObject({ subject: 'bob', notes: {}, basket: {} })
  })

  test('redirects only to pages of the demo', async () => {
    const { url } = await demo()
    const location = async (next: string): Promise<string | null> =>
      (await new Visitor(url).signIn('ada', { next })).headers.get('location')
    expect(await location('/devices')).toBe('/devices')
    for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example', '/devices/../..'])
      expect(await location(next)).toBe('/')
  })

  test('lasts longer than the browser if the box is ticked, and only then', async () => {
    const { url } = await demo()
    const cookie = async (fields: Record<string, string>): Promise<string> =>
      (await new Visitor(url).signIn('ada', fields)).headers.getSetCookie().join()
    expect(await cookie({ remember: 'on' })).toMatch(/^__Host-sid=.*Max-Age=/)
    expect(await cookie({})).not.toMatch(/Max-Age|Expires/i)
  })
})

test('shows a message once', async () => {
  const { url } = await demo()
  const visitor = new Visitor(url)
  await visitor.signIn('ada')
  expect(await (await visitor.get('/')).text()).toContain('Welcome, ada.')
  expect(await (await visitor.get('/')).text()).not.toContain('Welcome, ada.')
  await visitor.post('/logout')
  expect(await (await visitor.get('/')).text()).toContain('You are signed out.')
  expect(await (await visitor.get('/')).text()).not.toContain('You are signed out.')
})

test('parallel clicks on the same button all count', async () => {
  const { url } = await demo()
  const visitor = new Visitor(url)
  await visitor.signIn('ada')
  await Promise.all(Array.from({ length: 12 }, () => visitor.post('/basket', { item: 'Pencil' })))
  expect((await visitor.me()).basket).toEqual({ Pencil: 12 })
})

test('a refused request changes nothing', async () => {
  const { url } = await demo()
  const visitor = new Visitor(url)
  for (let i = 1; i <= 20; i++) await visitor.post('/notes', { key: `note ${i}`, value: 'x' })
  const before = await visitor.me()
  expect((await visitor.post('/notes', { key: 'one more', value: 'x' })).status).toBe(400)
  expect((await visitor.post('/notes', { key: 'x'.repeat(41), value: 'x' })).status).toBe(400)
  expect((await visitor.post('/notes', { key: '', value: 'x' })).status).toBe(400)
  expect((await visitor.post('/basket', { item: 'constructor' })).status).toBe(400)
  expect(await visitor.me()).toEqual(before)
  expect((await visitor.post('/notes', { key: 'note 1', value: 'changed' })).status).toBe(303)
  expect((await visitor.post('/notes', { key: 'note 2', value: '' })).status).toBe(303)
  expect(Object.keys((await visitor.me()).notes)).toHaveLength(19)
})

describe('requests that another site made the browser send', () => {
  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 303],
    [{}, 303],
  ])('%j: %i', async (headers, status) => {
    const { url } = await demo()
    const visitor = new Visitor(url)
    expect(
      (await visitor.post('/login', { user: 'ada', password: 'demo' }, headers as Record<string, string>)).status,
    ).toBe(status)
    expect((await visitor.me()).subject).toBe(status === 403 ? null : 'ada')
  })

  test('a request from its own origin is accepted', async () => {
    const { url } = await demo()
    expect((await new Visitor(url).post('/basket', { item: 'Ink' }, { origin: url })).status).toBe(303)
  })
})

describe('the page of devices', () => {
  test('tells a device that was signed out remotely so at its next request, whatever the request', async () => {
    const { url } = await demo()
    const told = 'You are signed out here'
    const here = new Visitor(url)
    await here.signIn('ada')
    for (const next of ['GET /', 'GET /lab', 'GET /devices', 'POST /notes', 'POST /basket'] as const) {
      const there = new Visitor(url)
      await there.signIn('ada')
      await there.get('/')
      await here.post('/devices/revoke', { handle: (await there.me()).handle! })
      const [method, path = ''] = next.split(' ')
      const fields = { key: 'a', value: '1', item: 'Ink' }
      let response = method === 'GET' ? await there.get(path) : await there.post(path, fields)
      const location = response.headers.get('location')
      if (method === 'POST') expect(location, 'where it is told').toBe('/')
      if (location !== null) response = await there.get(location)
      expect(await response.text(), next).toContain(told)
    }
    expect(await (await new Visitor(url).get('/')).text(), 'a stranger').not.toContain(told)
    expect(await (await here.get('/')).text()).not.toContain(told)
  })

  test("lets nobody sign out another person's device", async () => {
    const { url } = await demo()
    const [ada, bob] = [new Visitor(url), new Visitor(url)]
    await ada.signIn('ada')
    await bob.signIn('bob')
    const { handle } = await ada.me()
    expect(await (await bob.post('/devices/revoke', { handle: handle! }, JSON_PLEASE)).json()).toEqual({
      revoked: false,
    })
    expect((await ada.me()).subject).toBe('ada')
  })

  test('shows handles that open no session', async () => {
    const { url } = await demo()
    const ada = new Visitor(url)
    await ada.signIn('ada')
    const { handle } = await ada.me()
    const length = ada.cookies.get('__Host-sid')!.length
    for (const forged of [handle!, handle!.padEnd(length, 'A'), handle!.replace(/[^\w-]/g, '').padEnd(length, 'A')])
      expect(await new Visitor(url, [['__Host-sid', forged]]).me()).toMatchObject({ subject: null, handle: null })
  })

  test('is shown only to signed-in visitors', async () => {
    const { url } = await demo()
    const stranger = new Visitor(url)
    expect((await stranger.get('/devices')).headers.get('location')).toBe('/login?next=%2Fdevices')
    expect((await stranger.post('/devices/sign-out-others', {}, JSON_PLEASE)).status).toBe(401)
  })

  test.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on Linux',
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36',
      'Chrome on Linux',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge on Windows',
    ],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Windows'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari on macOS',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
      'Chrome on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet on Android',
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome on ChromeOS',
    ],
    ['curl/8.5.0', 'curl'],
    ['node', 'Node.js'],
    [undefined, 'Unknown browser'],
  ])('%s', (userAgent, label) => {
    expect(deviceOf(userAgent).label).toBe(label)
  })
})

test('administrator mode needs a recent sign-in, and changes the secret', async () => {
  let now = Date.now()
  const { url } = await demo({ clock: () => now })
  const visitor = new Visitor(url)
  await visitor.signIn('ada')
  now += 6 * 60_000
  const refused = await visitor.post('/administrator', { mode: 'on' })
  expect(refused.headers.get('location')).toBe('/login?next=/')
  expect(await (await visitor.get('/login?next=/')).text()).toContain('Sign in again')
  expect((await visitor.me()).administrator).toBe(false)

  await visitor.signIn('ada')
  const old = new Visitor(url, visitor.cookies)
  expect((await visitor.post('/administrator', { mode: 'on' })).headers.get('location')).toBe('/')
  expect(await visitor.me()).toMatchObject({ subject: 'ada', administrator: true })
  expect(await old.me()).toMatchObject({ subject: null, administrator: false })
})

test('an outage of the store signs nobody out', async () => {
  const logged = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => logged.mockRestore())
  let down = false
  const { url } = await demo({
    wrapStore: (store) =>
      new Proxy(store, {
        get(target, name) {
          if (name === 'read' && down)
            return () => Promise.reject(new SessError('store_unavailable', 'the disk is gone'))
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      }),
  })
  const visitor = new Visitor(url)
  await visitor.signIn('ada')
  down = true
  const response = await visitor.get('/')
  expect(response.status).toBe(503)
  expect(await response.text()).toContain('You are still signed in.')
  expect(response.headers.getSetCookie()).toEqual([])
  expect(logged).toHaveBeenCalledWith(expect.objectContaining({ code: 'store_unavailable' }))
  down = false
  expect((await visitor.me()).subject).toBe('ada')
})

test('the figures beside the races equal the table in the README', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim())
  const lines = readme.split('\n').filter((line) => line.startsWith('|'))
  const [heading, ...rows] = lines.map(cells)
  const row: Record<RaceName, string> = {
    writes: 'two requests change different keys: one of the writes is lost',
    logout: 'logout during a request: the session works again',
    login: 'sign-in during a request: the cookie from before works again',
  }
  const { url } = await demo()
  const page = await (await new Visitor(url).get('/lab')).text()
  for (const { of, counts } of [...OVERWRITING, ...OURS]) {
    const column = heading!.indexOf(of)
    expect(column, of).toBeGreaterThan(0)
    expect(page).toContain(of)
    for (const race of ['writes', 'logout', 'login'] as const)
      expect(rows.find(([, name]) => name === row[race])![column], `${of}, ${race}`).toBe(counts[race])
  }
  expect(page).toContain('917 of 1000')
})

test('every link to the code names an existing file and heading', async () => {
  const { url } = await demo()
  const root = new URL('../../', import.meta.url)
  const repository = (
    JSON.parse(readFileSync(new URL('packages/core/package.json', root), 'utf8')) as { repository: { url: string } }
  ).repository.url.replace(/^git\+|\.git$/g, '')
  const page = await (await new Visitor(url).get('/lab')).text()
  const links = Array.from(page.matchAll(/href="(https:[^"]*)"/g), ([, link]) => link!)
  expect(links).toContain(`${repository}/blob/main/examples/demo/app.ts`)
  for (const link of links) {
    if (link === repository) continue
    expect(link.startsWith(`${repository}/blob/main/`), link).toBe(true)
    const [file = '', heading] = link.slice(`${repository}/blob/main/`.length).split('#')
    expect(existsSync(new URL(file, root)), link).toBe(true)
    if (heading !== undefined)
      expect(readFileSync(new URL(file, root), 'utf8').toLowerCase()).toContain(`# ${heading.replaceAll('-', ' ')}`)
  }
})

test('an open event stream of the page of devices ends when the demo stops', async () => {
  const { url, close } = await demo()
  const visitor = new Visitor(url)
  await visitor.signIn('ada')
  const stream = await visitor.get('/devices/signed-out')
  expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
  await close()
  // Not cut: that would reject.
  expect(await stream.text()).toBe('')
})

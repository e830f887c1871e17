import type { Browser, BrowserContext, Cookie, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { launchChromium } from '@sess/test-servers/chromium'
import { faintBorders } from './test/faint-borders.ts'
import { demo } from './test/folder.ts'
import { Visitor } from './test/visitor.ts'

// Browsers are slow where several test files share a core.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let chromium: Browser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium?.close())

/** A browser of its own, with an empty cookie jar. Whatever it complains of in its console fails the test. */
async function browser(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
  const context = await chromium.newContext(options)
  const complaints: string[] = []
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  context.on('weberror', (error) => complaints.push(String(error.error())))
  onTestFinished(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })
  return context
}

async function visit(url: string, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? (await browser())).newPage()
  await page.goto(url)
  return page
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill('demo')
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor()
}

/** The session's cookie as the browser keeps it. */
async function cookieOf(page: Page): Promise<Cookie | undefined> {
  return (await page.context().cookies()).find(({ name }) => name === '__Host-sid')
}

/** A page of a new browser in which somebody planted a cookie. By the browser's protocol: playwright's own way adds a Domain, which `__Host-` forbids. */
async function planted(url: string, value: string): Promise<Page> {
  const context = await browser()
  const page = await context.newPage()
  const protocol = await context.newCDPSession(page)
  const cookie = { name: '__Host-sid', value, url, path: '/', httpOnly: true, secure: true, sameSite: 'Lax' } as const
  expect(await protocol.send('Network.setCookie', cookie)).toMatchObject({ success: true })
  await page.goto(url)
  return page
}

const main = (page: Page): Promise<string> => page.getByRole('main').innerText()

describe('the session cookie', () => {
  test('has the attributes that the browser stores', async () => {
    const { url } = await demo()
    const page = await visit(url)
    expect(await page.context().cookies(), 'an untouched session has none').toEqual([])
    const before = Date.now() / 1000
    await signIn(page, 'Ada')
    const cookies = await page.context().cookies()
    expect(cookies).toHaveLength(1)
    expect(cookies[0]).toMatchObject({
      name: '__Host-sid',
      domain: 'localhost',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
      value: expect.stringMatching(/^[\w-]{60}$/),
    })
    const after = Date.now() / 1000
    const twelveHours = 12 * 3600
    // Max-Age is in whole seconds, never rounded up.
    expect(cookies[0]!.expires).toBeGreaterThan(before + twelveHours - 2)
    expect(cookies[0]!.expires).toBeLessThanOrEqual(after + twelveHours + 1)
    expect(await page.evaluate('document.cookie')).toBe('')
  })

  test('disappears when the browser closes, if the box is not ticked', async () => {
    const { url } = await demo()
    const page = await visit(url)
    await page.getByLabel('Stay signed in').uncheck()
    await signIn(page, 'Ada')
    expect(await cookieOf(page)).toMatchObject({ expires: -1 })
  })

  test('has a new secret after sign-in; the basket stays, and the old value opens no session', async () => {
    const { url } = await demo()
    const page = await visit(url)
    await page.getByRole('button', { name: 'Add ink' }).click()
    await page.getByRole('listitem').filter({ hasText: 'Ink' }).waitFor()
    const old = (await cookieOf(page))!.value
    await signIn(page, 'Ada')
    expect((await cookieOf(page))!.value).not.toBe(old)
    expect(await main(page)).toMatch(/Ink\s+1/)
    expect(await new Visitor(url, [['__Host-sid', old]]).me()).toMatchObject({ subject: null, basket: {} })
  })

  test('is removed at sign-out, and a goodbye is shown once', async () => {
    const { url } = await demo()
    const page = await visit(url)
    await signIn(page, 'Ada')
    const old = (await cookieOf(page))!.value
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    expect((await cookieOf(page))?.value).not.toBe(old)
    await page.reload()
    expect(await main(page)).not.toContain('You are signed out.')
    expect((await new Visitor(url, [['__Host-sid', old]]).me()).subject).toBeNull()
  })
})

describe('fixation', () => {
  test('a live anonymous session of the attacker, planted before sign-in, stays anonymous', async () => {
    const { url } = await demo()
    const attacker = new Visitor(url)
    await attacker.post('/basket', { item: 'Ink' })
    const value = attacker.cookies.get('__Host-sid')!
    const page = await planted(url, value)
    expect(await main(page), 'the plant took').toMatch(/Ink\s+1/)
    await signIn(page, 'Ada')
    expect((await cookieOf(page))!.value).not.toBe(value)
    expect(await attacker.me()).toMatchObject({ subject: null, handle: null })
    await attacker.post('/notes', { key: 'from', value: 'the attacker' })
    await page.reload()
    expect(await main(page)).not.toContain('the attacker')
  })

  test('neither a visit nor a sign-in adopts an invented cookie value', async () => {
    const { url } = await demo()
    const invented = 'A'.repeat(60)
    const page = await planted(url, invented)
    expect((await cookieOf(page))!.value, 'the plant took').toBe(invented)
    await page.getByRole('button', { name: 'Add ink' }).click()
    await page.getByRole('listitem').filter({ hasText: 'Ink' }).waitFor()
    expect((await cookieOf(page))!.value).not.toBe(invented)
    await signIn(page, 'Ada')
    expect((await cookieOf(page))!.value).not.toBe(invented)
    expect(await new Visitor(url, [['__Host-sid', invented]]).me()).toMatchObject({ subject: null, handle: null })
  })
})

describe('the page of devices', () => {
  const PHONE =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
  const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0'

  test('signs the other browser out at its next request when its session is revoked', async () => {
    const { url } = await demo()
    const here = await visit(url)
    const phone = await visit(url, await browser({ userAgent: PHONE }))
    await signIn(here, 'Ada')
    await signIn(phone, 'Ada')
    await here.getByRole('link', { name: 'Your devices' }).click()
    const devices = here.getByRole('main').getByRole('listitem')
    expect(await devices.count()).toBe(2)
    expect(await devices.first().innerText()).toMatch(/Chrome on \w+\s+This device/)
    await devices.filter({ hasText: 'Safari on iPhone' }).getByRole('button', { name: 'Sign out' }).click()
    await here.getByText('That device is signed out.').waitFor()
    expect(await devices.count()).toBe(1)

    await phone.reload()
    expect(await phone.getByRole('heading', { name: 'Sign in' }).isVisible()).toBe(true)
    expect(await main(phone)).not.toContain('Hello, Ada')
    expect(await main(phone)).toContain('You are signed out here: another device ended the session of this browser')
    await signIn(phone, 'Ada')
    expect(await main(phone), 'said until the next sign-in').not.toContain('You are signed out here')
    await here.reload()
    expect(await main(here)).toContain('This device')
  })

  test('tells an open browser at once that it was signed out remotely', async () => {
    const { url } = await demo()
    const here = await visit(url)
    const phone = await visit(url, await browser({ userAgent: PHONE }))
    await signIn(here, 'Ada')
    await signIn(phone, 'Ada')
    const opened = phone.waitForResponse(`${url}/devices/signed-out`)
    await phone.goto(`${url}/devices`)
    expect((await opened).status()).toBe(200)
    await here.goto(`${url}/devices`)
    await here.getByRole('button', { name: 'Sign out everywhere else' }).click()
    // Nobody reloads the phone's page.
    await phone.getByText('You are signed out here: another device ended the session of this browser').waitFor()
    expect(await phone.getByRole('heading', { name: 'Sign in' }).isVisible()).toBe(true)
    expect(await main(here)).toContain('This device')
  })

  test('signs out everywhere else at once', async () => {
    const { url } = await demo()
    const here = await visit(url)
    const others = [
      await visit(url, await browser({ userAgent: PHONE })),
      await visit(url, await browser({ userAgent: WINDOWS })),
    ]
    const stranger = await visit(url)
    for (const page of [here, ...others]) await signIn(page, 'Ada')
    await signIn(stranger, 'Bob')
    await here.goto(`${url}/devices`)
    await here.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await here.getByText('You are signed out everywhere else: 2 devices.').waitFor()
    for (const page of others) {
      await page.reload()
      expect(await page.getByRole('heading', { name: 'Sign in' }).isVisible()).toBe(true)
    }
    await stranger.reload()
    expect(await main(stranger), 'somebody else is not concerned').toContain('Hello, Bob')
    await here.goto(url)
    expect(await main(here)).toContain('Hello, Ada')
  })
})

test('the race lab: @sess loses and revives nothing in the races that a store without comparison loses', async () => {
  const { url } = await demo()
  const page = await visit(url)
  await signIn(page, 'Ada')
  const cookie = (await cookieOf(page))!.value
  await page.goto(`${url}/lab`)
  await page.getByLabel('Rounds').selectOption('3')
  const run = page.getByRole('button', { name: 'Run the races' })
  await run.focus()
  await page.keyboard.press('Enter')
  await page.getByText('Round 1 of 3').waitFor()
  expect(await run.getAttribute('aria-disabled')).toBe('true')
  await page.keyboard.press('Enter')
  await page.getByText('Done: 3 rounds.').waitFor()
  expect(await run.getAttribute('aria-disabled')).toBeNull()
  expect(await run.evaluate('document.activeElement.textContent'), 'the focus stays').toBe('Run the races')
  const score = (lab: string, race: string): Promise<string> =>
    page.locator(`#${lab} [data-race=${race}] output`).innerText()
  const fates = (lab: string, race: string, fate: string): Promise<number> =>
    page.locator(`#${lab} [data-race=${race}] rect.${fate}`).count()

  expect(await main(page), 'nothing says who was faster on this machine').not.toMatch(/\d ms\b/)
  const tips = await page.locator('.timeline title').allTextContents()
  expect(tips).toContain('write 1: kept')
  expect(tips.join('\n')).not.toMatch(/\d ms\b/)

  expect(await score('ours', 'writes')).toBe('0 of 60')
  expect(await score('ours', 'logout')).toBe('0 of 3')
  expect(await score('ours', 'login')).toBe('0 of 3')
  expect(await fates('ours', 'writes', 'kept')).toBe(20)
  expect(await fates('ours', 'logout', 'refused')).toBe(4)
  expect(await fates('ours', 'login', 'refused')).toBe(4)

  expect(await score('blind', 'writes')).toMatch(/^[1-9]\d* of 60$/)
  expect(await score('blind', 'logout')).toBe('3 of 3')
  expect(await score('blind', 'login')).toBe('3 of 3')
  expect(await fates('blind', 'writes', 'lost')).toBeGreaterThan(0)
  expect(await fates('blind', 'logout', 'revived')).toBe(4)

  await page.goto(url)
  expect(await main(page), 'the visitor is as signed in as before').toContain('Hello, Ada')
  expect((await cookieOf(page))!.value).toBe(cookie)
})

test('every page fits a phone, asks no other host for anything, and names all its fields', async () => {
  const { url } = await demo()
  const context = await browser({ viewport: { width: 320, height: 640 } })
  const hosts = new Set<string>()
  context.on('request', (request) => hosts.add(new URL(request.url()).origin))
  const page = await visit(url, context)
  const check = async (): Promise<void> => {
    expect(await page.evaluate('document.documentElement.scrollWidth'), page.url()).toBeLessThanOrEqual(320)
    const unnamed =
      'document.querySelectorAll("input:not([type=hidden]), select").values().filter((field) => field.labels.length === 0).toArray().length'
    expect(await page.evaluate(unnamed), page.url()).toBe(0)
    expect(await page.locator('h1').count(), page.url()).toBe(1)
  }
  for (const path of ['/', '/login', '/lab']) {
    await page.goto(url + path)
    await check()
  }
  await page.goto(url)
  await signIn(page, 'a-very-long-name-without-any-space-in-it-that-has-to-fit-somehow')
  for (const path of ['/', '/devices', '/lab', '/login']) {
    await page.goto(url + path)
    await check()
  }
  expect([...hosts]).toEqual([url])
})

test.each(['light', 'dark'] as const)('all borders have a contrast of 3:1 at least, %s', async (colorScheme) => {
  const { url } = await demo()
  // Its console complains of the 401 below.
  const context = await chromium.newContext({ colorScheme })
  onTestFinished(() => context.close())
  const page = await visit(url, context)
  const check = async (): Promise<void> => expect(await page.evaluate(faintBorders), page.url()).toEqual([])
  await check()
  await page.getByRole('button', { name: 'Add ink' }).click()
  await signIn(page, 'Ada')
  await check()
  for (const path of ['/devices', '/lab', '/login']) {
    await page.goto(url + path)
    await check()
  }
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await check()
})

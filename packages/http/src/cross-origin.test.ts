import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isCrossOrigin } from './index.ts'

const HOST = 'shop.example'

describe('a request with an unsafe method', () => {
  test.each<[crossOrigin: boolean, text: string, headers: Record<string, string>]>([
    [false, 'of a page of the same origin', { host: HOST, 'sec-fetch-site': 'same-origin', origin: `https://${HOST}` }],
    [false, 'that the user began, as by a bookmark', { host: HOST, 'sec-fetch-site': 'none' }],
    [true, 'of a sibling subdomain', { host: HOST, 'sec-fetch-site': 'same-site', origin: `https://blog.${HOST}` }],
    [true, 'of another site', { host: HOST, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    [true, 'of another site that says nothing of its origin', { host: HOST, 'sec-fetch-site': 'cross-site' }],
    [true, 'with a word that no browser sends', { host: HOST, 'sec-fetch-site': 'same-origin, none' }],
    [false, 'over plain http, of the same host', { host: `${HOST}:3000`, origin: `http://${HOST}:3000` }],
    [false, 'with the default port on one side', { host: `${HOST}:443`, origin: `https://${HOST}` }],
    [false, 'with a host in capitals', { host: 'Shop.Example', origin: `https://${HOST}` }],
    [true, 'over plain http, of another host', { host: HOST, origin: 'http://evil.example' }],
    [true, 'of another port of the host', { host: HOST, origin: `http://${HOST}:8080` }],
    [true, 'of a sandboxed page', { host: HOST, origin: 'null' }],
    [true, 'with an origin that is none', { host: HOST, origin: 'shop.example' }],
    [true, 'with a host that is none', { host: 'a b', origin: `https://${HOST}` }],
    [true, 'with an origin and no host', { origin: `https://${HOST}` }],
    [false, 'of a client that is no browser', { host: HOST }],
  ])('is cross-origin: %s, %s', (crossOrigin, _text, headers) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'purge']) {
      expect(isCrossOrigin({ method, headers })).toBe(crossOrigin)
      expect(isCrossOrigin({ method, headers: new Headers(headers) })).toBe(crossOrigin)
    }
  })

  test('is not cross-origin if it comes from an allowed origin', () => {
    const headers = { host: HOST, 'sec-fetch-site': 'cross-site', origin: 'https://admin.example' }
    expect(isCrossOrigin({ method: 'POST', headers }, { allow: ['https://admin.example'] })).toBe(false)
    expect(isCrossOrigin({ method: 'POST', headers }, { allow: ['http://admin.example'] })).toBe(true)
  })

  test('over HTTP/2 is compared with its :authority', () => {
    const headers = { ':authority': HOST, origin: `https://${HOST}` }
    expect(isCrossOrigin({ method: 'POST', headers })).toBe(false)
  })
})

test('a request with a safe method is never cross-origin', () => {
  const headers = { host: HOST, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  for (const method of ['GET', 'HEAD', 'OPTIONS', undefined]) expect(isCrossOrigin({ method, headers })).toBe(false)
})

test('requests of node:http and of fetch are both accepted', async () => {
  const seen: boolean[] = []
  const server = createServer((req, res) => {
    seen.push(isCrossOrigin(req))
    res.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  for (const origin of [`http://127.0.0.1:${port}`, 'http://evil.example']) {
    const [response] = await once(
      request({ port, host: '127.0.0.1', method: 'POST', headers: { origin }, agent: false }).end(),
      'response',
    )
    response.resume()
  }
  expect(seen).toEqual([false, true])
  const headers = { 'sec-fetch-site': 'cross-site' }
  const asked = Object.assign(new Request('https://shop.example/', { method: 'POST' }), {})
  expect([isCrossOrigin(asked), isCrossOrigin({ method: 'POST', headers: new Headers(headers) })]).toEqual([
    false,
    true,
  ])
})

test.each([{ allow: ['https://shop.example/'] }, { allow: ['shop.example'] }, { allow: ['null'] }, { origins: [] }])(
  'an option that would do nothing is refused: %j',
  (options) => {
    expect(() => isCrossOrigin({ method: 'GET', headers: {} }, options)).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  },
)

test('the opening request of a WebSocket is checked although it is a GET', () => {
  const open = (headers: Record<string, string>, options = {}) =>
    isCrossOrigin({ method: 'GET', headers: { host: HOST, upgrade: 'websocket', ...headers } }, options)
  expect(open({ origin: `https://${HOST}` })).toBe(false)
  expect(open({ origin: 'https://evil.example' })).toBe(true)
  expect(open({ origin: 'https://evil.example', upgrade: 'h2c, WebSocket' })).toBe(true)
  expect(open({ origin: `https://blog.${HOST}`, 'sec-fetch-site': 'same-site' })).toBe(true)
  expect(open({ origin: 'https://admin.example' }, { allow: ['https://admin.example'] })).toBe(false)
  // No browser.
  expect(open({})).toBe(false)
})

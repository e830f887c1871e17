import { expect, test } from 'vitest'
import { fillRequest, fillText, parseRequest } from './request.ts'

const values = { user: 'a b', value: '1&2"', key: 'k', csrf: 't+/=', cookie: (name: string) => `c:${name}` }

test('values are encoded for their place in the request', () => {
  const form = parseRequest('put /u/{user}?t={csrf} v={value}&x={cookie:XSRF-TOKEN}', '--write', 'POST')
  expect(fillRequest(form, values)).toEqual({
    method: 'PUT',
    path: '/u/a%20b?t=t%2B%2F%3D',
    body: 'v=1%262%22&x=c%3AXSRF-TOKEN',
    contentType: 'application/x-www-form-urlencoded',
  })
  const json = parseRequest('/set {"value":"{value}","odd":"{odd}"}', '--write', 'POST')
  expect(fillRequest(json, values)).toMatchObject({
    method: 'POST',
    body: '{"value":"1&2\\"","odd":"{odd}"}',
    contentType: 'application/json',
  })
  expect(fillText('X {csrf} {key} {user}', { csrf: 't+/=' })).toBe('X t+/=  ')
})

test('a body that begins with a placeholder is sent as a form', () => {
  expect(parseRequest('POST /set {key}={value}', '--write', 'POST')).toMatchObject({
    body: '{key}={value}',
    contentType: 'application/x-www-form-urlencoded',
  })
  expect(parseRequest('/list [1, 2]', '--write', 'POST').contentType).toBe('application/json')
})

test('a body may contain spaces and line breaks; a label never contains the body', () => {
  const request = parseRequest('  POST   /login   {"user": "{user}",\n "password": "secret"}', '--login', 'POST')
  expect(request).toMatchObject({ path: '/login', label: 'POST /login' })
  expect(JSON.parse(request.body!)).toEqual({ user: '{user}', password: 'secret' })
  expect(parseRequest('/get', '--read', 'GET')).toMatchObject({
    method: 'GET',
    body: undefined,
    contentType: undefined,
  })
})

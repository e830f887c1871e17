import 'reflect-metadata'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { SessError, type SessErrorCode } from '@sess/core'
import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

/** Each code, and the status that the application's framework is told. */
const STATUS: Readonly<Record<SessErrorCode, number>> = {
  not_fresh: 401,
  conflict: 409,
  too_many_sessions: 409,
  too_large: 413,
  store_unavailable: 503,
  unknown_outcome: 503,
  store_full: 503,
  invalid_option: 500,
  configuration: 500,
  unserializable: 500,
  invalid_data: 500,
  unsupported: 500,
  session_destroyed: 500,
  response_started: 500,
}
const CODES = Object.keys(STATUS) as SessErrorCode[]

const HANDLE = 'qCrGQQTC0EOr2X5WmXHKLs2IYr9a'
const DRIVER = 'connect ECONNREFUSED 10.0.0.7:6379'

function errorOf(code: string): SessError {
  return new SessError(code as SessErrorCode, `what went wrong, and what to do`, {
    cause: new Error(DRIVER),
    handle: HANDLE,
  })
}

class Failing {
  fail(): never {
    throw errorOf(code)
  }
}
let code: SessErrorCode
Get('fail')(Failing.prototype, 'fail', Object.getOwnPropertyDescriptor(Failing.prototype, 'fail')!)
Controller()(Failing)
class App {
  readonly name = 'failing'
}
Module({ controllers: [Failing] })(App)

/** Applications that have no error handler of their own. `status`: whether theirs goes by what the error says. */
const FRAMEWORKS: Readonly<Record<string, { status: boolean; start: () => Promise<() => RequestListener> }>> = {
  'Express 5': {
    status: true,
    start: async () => () => express().get('/fail', (_req, _res, next) => next(errorOf(code))),
  },
  'Express 4': {
    status: true,
    start: async () => () => express4().get('/fail', (_req, _res, next) => next(errorOf(code))),
  },
  Fastify: {
    status: true,
    async start() {
      const app = fastify()
      app.get('/fail', () => Promise.reject(errorOf(code)))
      await app.ready()
      return () => (req, res) => app.routing(req, res)
    },
  },
  Koa: {
    status: true,
    async start() {
      const app = new Koa({ env: 'test' })
      app.silent = true
      app.use(() => Promise.reject(errorOf(code)))
      return () => app.callback()
    },
  },
  Hono: {
    status: false,
    async start() {
      const app = new Hono().get('/fail', () => {
        throw errorOf(code)
      })
      return () => getRequestListener(app.fetch) as RequestListener
    },
  },
  'Nest on Express': {
    status: true,
    async start() {
      const app = await NestFactory.create(App, new ExpressAdapter(), { logger: false })
      await app.init()
      return () => app.getHttpAdapter().getInstance() as RequestListener
    },
  },
  'Nest on Fastify': {
    status: true,
    async start() {
      const app = await NestFactory.create<NestFastifyApplication>(App, new FastifyAdapter(), { logger: false })
      await app.init()
      const instance = app.getHttpAdapter().getInstance()
      await instance.ready()
      return () => (req, res) => instance.routing(req, res)
    },
  },
}

describe.each(Object.entries(FRAMEWORKS))('the default error page of %s', (_, { status, start }) => {
  let listener: RequestListener
  const server = createServer((req, res) => listener(req, res))
  let url = ''
  beforeAll(async () => {
    // Express, Hono and Koa print the error for whoever runs the server: that is where it belongs.
    vi.spyOn(console, 'error').mockImplementation(() => {})
    listener = (await start())()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fail`
  })
  afterAll(() => {
    vi.restoreAllMocks()
    server.closeAllConnections()
    server.close()
  })

  test.each(CODES)('%s: shows no word of a driver, and no handle', async (each) => {
    code = each
    const response = await fetch(url)
    const body = await response.text()
    expect(response.status).toBe(status ? STATUS[each] : 500)
    for (const secret of [HANDLE, DRIVER, 'ECONNREFUSED', '10.0.0.7']) expect(body).not.toContain(secret)
  })
})

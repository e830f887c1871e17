import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import compression from 'compression'
import type { RequestHandler, Response } from 'express'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serve } from '../test/served.ts'

/** A file of random bytes that is larger than any buffer on its way. */
function largeFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sess-express-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'large.bin')
  writeFileSync(file, randomBytes(1_500_000).toString('hex'))
  return file
}

describe('no byte is sent before the session is committed, whichever way the handler answers:', () => {
  const html = { 'Content-Type': 'text/plain', Vary: 'Accept' }
  const file = largeFile
  test.each<[string, (res: Response) => unknown, number, string | number]>([
    ['send', (res) => res.send('body'), 200, 'body'],
    ['json', (res) => res.json({ a: 1 }), 200, '{"a":1}'],
    ['redirect', (res) => res.redirect('/elsewhere'), 302, 'Found. Redirecting to /elsewhere'],
    ['sendStatus', (res) => res.sendStatus(204), 204, ''],
    ['write and end', (res) => (res.write('bo'), res.end('dy')), 200, 'body'],
    ['flushHeaders', (res) => (res.flushHeaders(), res.end('body')), 200, 'body'],
    ['end with a callback', (res) => new Promise<void>((resolve) => res.end('body', resolve)), 200, 'body'],
    ['writeHead with an object', (res) => res.writeHead(201, html).end('body'), 201, 'body'],
    [
      'writeHead with pairs',
      (res) => res.writeHead(201, 'Made', ['Vary', 'Accept', 'A', 'b']).end('body'),
      201,
      'body',
    ],
    ['a piped stream', (res) => Readable.from(['bo', 'dy']).pipe(res), 200, 'body'],
    ['a large file', (res) => res.sendFile(file()), 200, 3_000_000],
    [
      'a throw',
      () => {
        throw new Error('mine')
      },
      500,
      'mine',
    ],
    ['a rejection', () => Promise.reject(new Error('mine')), 500, 'mine'],
  ])('%s', async (_, answerWith, status, body) => {
    const { app, begin, hold, open, get, stored, answerErrors } = await serve()
    app.get('/answer', (req, res, next) => {
      req.session.data.n = 7
      // Express 4 hands no rejection on.
      new Promise((resolve) => resolve(answerWith(res))).catch(next)
    })
    answerErrors()
    const cookie = await begin()
    const write = hold('replace')
    const { request, answer } = open('/answer', { cookie })
    await write.reached
    // A whole request is time enough for a byte to arrive.
    await get('/plain')
    expect(request.socket!.bytesRead).toBe(0)
    write.release()
    const got = await answer
    expect([got.status, typeof body === 'number' ? got.body.length : got.body]).toEqual([status, body])
    expect([await stored(cookie), got.headers['vary']]).toEqual([{ n: 7 }, expect.stringMatching(/Cookie$/)])
  })

  test('HEAD, and a 304', async () => {
    const { begin, get, stored } = await serve()
    const cookie = await begin()
    expect(await get('/set?n=2', { cookie, method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect(await stored(cookie)).toEqual({ n: 2 })
    const { etag } = (await get('/get', { cookie })).headers
    const again = await get('/get', { cookie, headers: { 'if-none-match': etag!, 'cache-control': 'max-age=0' } })
    expect(again).toMatchObject({ status: 304, body: '', headers: { vary: 'Cookie', 'cache-control': 'private' } })
  })

  test('a change that the handler makes synchronously after its answer is committed', async () => {
    const { app, get, stored } = await serve()
    app.get('/after', (req, res) => {
      void req.session.subject
      res.send('body')
      req.session.data.n = 3
    })
    const { cookie } = await get('/after')
    expect(await stored(cookie)).toEqual({ n: 3 })
  })

  test('a change that the handler makes while its answer waits is stored before the answer is sent', async () => {
    const { app, begin, hold, open, get, stored } = await serve()
    const first = hold('replace')
    const second = Promise.withResolvers<ReturnType<typeof hold>>()
    app.get('/while', async (req, res) => {
      req.session.data.n = 2
      res.send('body')
      await first.reached
      req.session.data.n = 3
      second.resolve(hold('replace'))
      first.release()
    })
    const cookie = await begin()
    const { request, answer } = open('/while', { cookie })
    const { reached, release } = await second.promise
    await reached
    await get('/plain')
    expect(request.socket!.bytesRead).toBe(0)
    release()
    expect([(await answer).body, await stored(cookie)]).toEqual(['body', { n: 3 }])
  })

  test('a change after the last byte is written if it needs no cookie, else it is an event', async () => {
    const { app, begin, get, sessions, stored } = await serve()
    const late = Promise.withResolvers<unknown>()
    app.get('/late', (req, res) => {
      void req.session.subject
      res.on('finish', () => (req.session.data.n = 3)).send('body')
    })
    const cookie = await begin()
    await get('/late', { cookie })
    await expect.poll(() => stored(cookie)).toEqual({ n: 3 })
    sessions.on('error', ({ code }) => late.resolve(code))
    await get('/late')
    expect(await late.promise).toBe('response_started')
  })
})

test('while the answer waits, its head looks sent: it cannot be changed or sent again', async () => {
  const { app, begin, hold, open, answerErrors } = await serve()
  const seen: unknown[] = []
  app.get('/twice', (req, res) => {
    req.session.data.n = 2
    res.send('first')
    seen.push(res.headersSent)
    res.statusCode = 500
    for (const late of [() => res.send('second'), () => res.setHeader('a', 'b'), () => res.writeHead(500)])
      try {
        late()
      } catch (error) {
        seen.push((error as NodeJS.ErrnoException).code)
      }
  })
  answerErrors()
  const write = hold('replace')
  const { answer } = open('/twice', { cookie: await begin() })
  await write.reached
  write.release()
  expect(await answer).toMatchObject({ status: 200, body: 'first' })
  expect(seen).toEqual([true, ...Array.from({ length: 3 }, () => 'ERR_HTTP_HEADERS_SENT')])
})

test('while the answer waits, it looks ended to code that would answer in its place', async () => {
  const { app, begin, hold, open } = await serve()
  let seen: unknown
  app.get('/ended', (req, res) => {
    req.session.data.n = 2
    res.send('body')
    seen = [res.headersSent, res.writableEnded, res.finished, res.writableFinished]
    if (!res.writableEnded) res.end('fallback')
  })
  const write = hold('replace')
  const { answer } = open('/ended', { cookie: await begin() })
  await write.reached
  write.release()
  expect([(await answer).body, seen]).toEqual(['body', [true, true, true, false]])
})

test('a kept-alive connection serves one guarded response after the other', async () => {
  const { app, begin, get } = await serve()
  app.get('/none', (req, res) => void res.status(204).send(req.session.subject))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const cookie = await begin()
  const ports = new Set<number>()
  for (const [path, method] of [
    ['/set', 'GET'],
    ['/get', 'HEAD'],
    ['/none', 'GET'],
    ['/get', 'GET'],
  ] as const) {
    const underway = await get(path, { cookie, method, agent })
    expect(underway.status).toBeLessThan(300)
    ports.add(Object.values(agent.freeSockets)[0]![0]!.localPort!)
  }
  expect(ports.size).toBe(1)
})

describe('other middleware', () => {
  const zipped = { 'accept-encoding': 'gzip' }
  const everything = compression({ threshold: 0 })
  test.each<[string, boolean]>([
    ['before', true],
    ['after', false],
  ])('that compresses, used %s the session', async (_, first) => {
    const { app, get, stored } = await serve(undefined, (before) => void (first && before.use(everything)))
    if (!first)
      app.use((req, _res, next) => {
        void req.session.subject
        next()
      }, everything)
    const file = largeFile()
    app.get('/file', (req, res) => {
      req.session.data.n = 7
      res.sendFile(file)
    })
    const plain = await get('/file')
    expect([plain.body.length, await stored(plain.cookie)]).toEqual([3_000_000, { n: 7 }])
    const { headers, cookie } = await get('/file', { headers: zipped })
    expect([headers['content-encoding'], headers['vary'], await stored(cookie)]).toEqual([
      'gzip',
      expect.stringMatching(/Cookie/),
      { n: 7 },
    ])
  })

  test('that compresses behind the session flushes an event stream, and emits drain for the writer', async () => {
    const { app, get } = await serve()
    app.use((req, _res, next) => {
      req.session.data.n = 1
      next()
    }, compression())
    app.get('/events', (_req, res) => {
      res.type('text/event-stream').flushHeaders()
      res.write('data: 0\n\n')
      setImmediate(() => res.end('data: 1\n\n'))
    })
    app.get('/loop', async (_req, res) => {
      res.type('text/plain')
      for (let i = 0; i < 4; i++) if (!res.write('x'.repeat(131_072))) await once(res, 'drain')
      res.end()
    })
    expect((await get('/events')).body).toBe('data: 0\n\ndata: 1\n\n')
    expect((await get('/loop')).body).toHaveLength(4 * 131_072)
  })

  test('that wraps end sees the handler’s body', async () => {
    const { app, get, stored } = await serve()
    const shouting: RequestHandler = (_req, res, next) => {
      const end = res.end.bind(res) as (chunk: string) => Response
      res.end = ((chunk: unknown) => end(String(chunk).toUpperCase())) as typeof res.end
      next()
    }
    app.get('/shout', shouting, (req, res) => {
      req.session.data.n = 3
      res.end('body')
    })
    const { body, cookie } = await get('/shout')
    expect([body, await stored(cookie)]).toEqual(['BODY', { n: 3 }])
  })
})

describe('a source of the body has to wait', () => {
  test('while the commit is under way, and when the client does not read', async () => {
    const { app, begin, hold, open } = await serve()
    const chunk = Buffer.alloc(65_536, 'x')
    const chunks = 400
    let made = 0
    app.get('/pipe', (req, res) => {
      req.session.data.n = 2
      const source = new Readable({
        highWaterMark: chunk.length,
        read() {
          this.push(made++ < chunks ? chunk : null)
        },
      })
      source.pipe(res)
    })
    const write = hold('replace')
    const { response } = open('/pipe', { cookie: await begin() })
    await write.reached
    expect(made).toBeLessThan(5)
    write.release()
    const message = await response
    message.pause()
    // What the kernel and both ends buffer is a few megabytes; the body is 26.
    expect(made).toBeLessThan(chunks)
    let length = 0
    for await (const part of message) length += (part as Buffer).length
    expect([length, made]).toEqual([chunk.length * chunks, chunks + 1])
  })

  test('when write returns false because enough is buffered, until drain', async () => {
    const { app, get } = await serve()
    const ready: boolean[] = []
    app.get('/drain', async (req, res) => {
      void req.session.subject
      const parts = ['a', 'b'.repeat(res.writableHighWaterMark), 'c']
      for (const part of parts) {
        ready.push(res.write(part))
        if (!ready.at(-1)) await once(res, 'drain')
      }
      res.end()
    })
    expect((await get('/drain')).body).toMatch(/^ab+c$/)
    // Node 22 calls on before its socket has room again; the last may be told to wait once more.
    expect(ready.slice(0, 2)).toEqual([true, false])
  })
})

describe('a commit that fails', () => {
  test('drops the answer and its header fields; the error handler answers', async () => {
    const { app, begin, fail, get, answerErrors } = await serve()
    app.get('/answer', (req, res) => {
      req.session.data.n = 2
      res.status(201).set({ 'Content-Encoding': 'x', ETag: '"a"', 'X-Mine': 'stays' }).send('a long body')
    })
    answerErrors()
    const cookie = await begin()
    fail('replace')
    const { status, body, headers } = await get('/answer', { cookie })
    expect([status, body, headers['x-mine'], headers['content-encoding'], headers['set-cookie']]).toEqual([
      500,
      'unknown_outcome',
      'stays',
      undefined,
      undefined,
    ])
    expect(headers['etag']).not.toBe('"a"')
  })

  test('while a stream is piped drops the answer too', async () => {
    const { app, begin, fail, get, answerErrors } = await serve()
    app.get('/pipe', (req, res) => {
      req.session.data.n = 2
      Readable.from(['bo', 'dy']).pipe(res)
    })
    answerErrors()
    const cookie = await begin()
    fail('replace')
    expect(await get('/pipe', { cookie })).toMatchObject({ status: 500, body: 'unknown_outcome' })
  })

  test('waits for the end of an answer that is still being written, then drops it', async () => {
    const { app, begin, fail, get, answerErrors } = await serve()
    app.get('/write', async (req, res) => {
      req.session.data.n = 2
      for (let i = 0; i < 8; i++) if (!res.write(Buffer.alloc(65_536))) await once(res, 'drain')
      res.end()
    })
    answerErrors()
    const cookie = await begin()
    fail('replace')
    expect(await get('/write', { cookie })).toMatchObject({ status: 500, body: 'unknown_outcome' })
  })

  test('cuts the connection of an answer that does not end, since no other answer can be sent', async () => {
    const { app, begin, fail, get } = await serve()
    app.get('/write', (req, res) => {
      req.session.data.n = 2
      res.write('start')
    })
    const cookie = await begin()
    fail('replace')
    await expect(get('/write', { cookie })).rejects.toThrow('socket hang up')
  })

  test('passes the error to the callback of write, and calls the callback of end once the error page has ended', async () => {
    const { app, begin, fail, get, answerErrors } = await serve()
    const called: unknown[] = []
    const ended = Promise.withResolvers<boolean>()
    app.get('/end', (req, res) => {
      req.session.data.n = 2
      res.write('bo', (error) => called.push(error))
      res.end('dy', () => ended.resolve(res.writableFinished))
    })
    answerErrors()
    const cookie = await begin()
    fail('replace')
    expect((await get('/end', { cookie })).body).toBe('unknown_outcome')
    expect([await ended.promise, called]).toEqual([true, [expect.objectContaining({ code: 'unknown_outcome' })]])
  })

  test('after an acknowledged sign-in still sets the cookie', async () => {
    const { app, fail, get, sessions, answerErrors } = await serve()
    app.get('/login', async (req, res) => {
      await req.session.login('ann')
      fail('replace')
      req.session.data.n = 2
      res.send('in')
    })
    answerErrors()
    const { status, cookie } = await get('/login')
    expect(status).toBe(500)
    expect((await sessions.load(cookie.split('=')[1])).subject).toBe('ann')
  })

  test('at load goes to the error handler; nobody is signed out', async () => {
    const { begin, fail, get, answerErrors } = await serve()
    answerErrors()
    const cookie = await begin()
    fail('read')
    const { status, body, headers } = await get('/get', { cookie })
    expect([status, body, headers['set-cookie']]).toEqual([500, 'store_unavailable', undefined])
  })
})

describe('once the response has started', () => {
  test('changes are committed before its end', async () => {
    const { app, begin, hold, open, get, stored } = await serve()
    app.get('/stream', async (req, res) => {
      void req.session.subject
      if (!res.write('start ')) await once(res, 'drain')
      req.session.data.late = 1
      res.end('end')
    })
    const cookie = await begin()
    const write = hold('replace')
    const { response, answer } = open('/stream', { cookie })
    let ended = false
    void (await response).once('end', () => (ended = true))
    await write.reached
    await get('/plain')
    expect(ended).toBe(false)
    write.release()
    expect([(await answer).body, await stored(cookie)]).toEqual(['start end', { n: 1, late: 1 }])
  })

  test('a session that is first used then is committed before the end, too', async () => {
    const { app, begin, get, stored } = await serve()
    app.get('/late', (req, res) => {
      res.write('start ')
      req.session.data.late = 1
      res.end('end')
    })
    const cookie = await begin()
    expect([(await get('/late', { cookie })).body, await stored(cookie)]).toEqual(['start end', { n: 1, late: 1 }])
  })

  test('an operation that needs a cookie throws, and the connection is cut so that the body does not look complete', async () => {
    const { app, open } = await serve()
    const arrived = Promise.withResolvers<void>()
    const thrown = Promise.withResolvers<unknown>()
    app.get('/stream', async (req, res) => {
      void req.session.subject
      res.write('start ')
      await arrived.promise
      await req.session.login('ann').catch((error: unknown) => thrown.resolve(error))
      req.session.data.late = 1
      res.end('end')
    })
    const { response, answer } = open('/stream')
    await response
    arrived.resolve()
    await expect(answer).rejects.toThrow('aborted')
    expect(await thrown.promise).toMatchObject({ code: 'response_started' })
  })
})

describe('a client that disconnects', () => {
  test('loses no change, and nothing hangs', async () => {
    const { app, begin, hold, open, stored } = await serve()
    const arrived = Promise.withResolvers<void>()
    app.get('/hang', (req) => {
      req.session.data.n = 5
      arrived.resolve()
    })
    const cookie = await begin()
    const write = hold('replace')
    const { request, answer } = open('/hang', { cookie })
    await arrived.promise
    request.destroy()
    await expect(answer).rejects.toThrow()
    await write.reached
    write.release()
    await expect.poll(() => stored(cookie)).toEqual({ n: 5 })
  })

  test('leaves no new session behind, since its cookie cannot arrive', async () => {
    const { app, calls, open, get } = await serve()
    const arrived = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    app.get('/hang', (req, res) => {
      req.session.data.n = 5
      res.once('close', closed.resolve)
      arrived.resolve()
    })
    const { request, answer } = open('/hang')
    await arrived.promise
    request.destroy()
    await expect(answer).rejects.toThrow()
    await closed.promise
    await get('/plain')
    expect(calls).toEqual([])
  })

  test('before the first use of the session: changes of a stored session are written, no new session is created', async () => {
    const { app, begin, calls, get, open, stored } = await serve()
    let arrived = Promise.withResolvers<void>()
    app.get('/late', async (req, res) => {
      const closed = once(res, 'close')
      arrived.resolve()
      await closed
      req.session.data.n = 5
      res.send('nobody reads this')
    })
    const cookie = await begin()
    for (const ask of [{ cookie }, {}]) {
      calls.length = 0
      arrived = Promise.withResolvers()
      const { request, answer } = open('/late', ask)
      await arrived.promise
      request.destroy()
      await expect(answer).rejects.toThrow()
      await expect.poll(() => stored(cookie)).toEqual({ n: 5 })
    }
    await get('/plain')
    expect(calls).not.toContain('create')
  })

  test('causes an event if the commit then fails', async () => {
    const { app, begin, fail, open, sessions } = await serve()
    const arrived = Promise.withResolvers<void>()
    const event = Promise.withResolvers<unknown>()
    sessions.on('error', (error) => void (error.operation.startsWith('commit') && event.resolve(error)))
    app.get('/hang', (req) => {
      req.session.data.n = 5
      arrived.resolve()
    })
    const cookie = await begin()
    fail('replace')
    const { request, answer } = open('/hang', { cookie })
    await arrived.promise
    request.destroy()
    await expect(answer).rejects.toThrow()
    expect(await event.promise).toMatchObject({ code: 'unknown_outcome', handle: cookie.slice(4, 32) })
  })
})

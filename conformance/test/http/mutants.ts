import { foundByReading } from './found-by-reading.ts'

/** A binding that is broken on purpose: an edit of its source, and the rows of the table that must catch it. */
export interface HttpMutant {
  /** A folder of `packages`, in whose `test/http-harness.ts` the binding is served. */
  readonly binding: 'express' | 'fastify' | 'hono' | 'http' | 'koa'
  readonly text: string
  /** The file that is edited, under `packages`. Default: `BINDING/src/session.ts`. */
  readonly file?: string
  readonly find: string
  readonly replace: string
  readonly rows: readonly string[]
}

const VARY = `vary: varyWith(present.vary, 'Cookie'),`
const COOKIE = 'http/src/session-cookie.ts'
const RESPONSE = 'http/src/session-response.ts'
const NODE = 'http/src/node.ts'

/** The same five for each binding, and more where a binding has more to lose. */
export const httpMutants: readonly HttpMutant[] = [
  // Express
  {
    binding: 'express',
    text: 'the answer does not wait for the commit',
    file: 'express/src/deferred-response.ts',
    find: `if (this.#hooks.pending) return (void this.#start(), false)`,
    replace: `if (this.#hooks.pending) this.#hooks.beforeHead().catch(() => {})`,
    rows: ['commit/before-the-first-byte', 'commit/stream'],
  },
  {
    binding: 'express',
    text: 'an error answer has no cookie',
    find: `    this.#headLeft(present)\n    const fields`,
    replace: `    this.#headLeft(present)\n    if (this.#res.statusCode >= 500) return {}\n    const fields`,
    rows: ['error/after-a-sign-in', 'error/after-a-sign-out', 'error/after-a-change'],
  },
  {
    binding: 'express',
    text: 'no Vary',
    file: COOKIE,
    find: VARY,
    replace: '',
    rows: ['caching/used', 'cookie/new'],
  },
  {
    binding: 'express',
    text: 'a late change is lost',
    find: `  get changed(): boolean {\n    return`,
    replace: `  get changed(): boolean {\n    return false &&`,
    rows: ['stream/late-change', 'stream/late-cookie', 'stream/late-failure'],
  },
  {
    binding: 'express',
    text: 'a failed commit is ignored',
    find: `if (!this.#answersWithError) throw error`,
    replace: ``,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'express',
    text: 'only the last of several Set-Cookie fields is sent',
    file: 'express/src/head.ts',
    find: `cookies.map(`,
    replace: `cookies.slice(-1).map(`,
    rows: ['cookie/former', 'cookie/former-on-an-error'],
  },
  // withSession
  {
    binding: 'http',
    text: 'the answer does not wait for the commit',
    file: RESPONSE,
    find: `    await cookie.commit(session, status)`,
    replace: `    cookie.commit(session, status).catch(() => {})`,
    rows: ['commit/before-the-first-byte', 'error/commit-fails'],
  },
  {
    binding: 'http',
    text: 'an error answer has no cookie',
    file: 'http/src/with-session.ts',
    find: `return (session ? await answer(request, session, response) : response) as Answer`,
    replace: `return response as Answer`,
    rows: ['error/after-a-sign-in', 'error/after-a-sign-out', 'error/after-a-change'],
  },
  { binding: 'http', text: 'no Vary', file: COOKIE, find: VARY, replace: '', rows: ['caching/used'] },
  {
    binding: 'http',
    text: 'a late change is lost',
    file: RESPONSE,
    find: `        await cookie.commitAtEnd(session, status)`,
    replace: ``,
    rows: ['stream/late-change', 'stream/late-cookie', 'stream/late-failure'],
  },
  {
    binding: 'http',
    text: 'a failed commit is ignored',
    file: RESPONSE,
    find: `    stream?.cancel(error).catch(() => {})\n    throw error`,
    replace: ``,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'http',
    text: 'a change before the source failed is lost',
    file: RESPONSE,
    find: `          await cookie.commitUnseen(session, true, status)\n`,
    replace: ``,
    rows: ['stream/source-fails'],
  },
  {
    binding: 'http',
    text: 'the cookie is not closed when the head is sent',
    file: RESPONSE,
    find: `  cookie.headLeft(session, request.method, present)\n`,
    replace: ``,
    rows: ['stream/late-cookie', 'stream/first-use-late'],
  },
  {
    binding: 'http',
    text: 'the session’s Set-Cookie replaces others',
    file: RESPONSE,
    find: `headers.append('set-cookie', field)`,
    replace: `headers.set('set-cookie', field)`,
    rows: ['cookie/of-the-application', 'cookie/former'],
  },
  {
    binding: 'http',
    text: 'a client that has disconnected is not noticed',
    file: RESPONSE,
    find: `request.signal.aborted`,
    replace: `false`,
    rows: ['commit/client-gone'],
  },
  {
    binding: 'http',
    text: 'an upgrade is not committed',
    file: RESPONSE,
    find: `    await commitUpgrade(session)\n    return response\n`,
    replace: `    return response\n`,
    rows: ['upgrade/changed'],
  },
  // Hono
  {
    binding: 'hono',
    text: 'the answer does not wait for the commit',
    file: RESPONSE,
    find: `    await cookie.commit(session, status)`,
    replace: `    cookie.commit(session, status).catch(() => {})`,
    rows: ['commit/before-the-first-byte', 'error/commit-fails'],
  },
  {
    binding: 'hono',
    text: 'an error answer has no cookie',
    find: `    let response: Response\n`,
    replace: `    if (c.error) return\n    let response: Response\n`,
    rows: ['error/after-a-sign-in', 'error/after-a-sign-out', 'error/after-a-change'],
  },
  {
    binding: 'hono',
    text: 'the answer to a failed commit has no cookie',
    find: `      for (const field of setCookies) response.headers.append('set-cookie', field)\n`,
    replace: ``,
    rows: ['error/commit-fails-after-a-sign-in'],
  },
  { binding: 'hono', text: 'no Vary', file: COOKIE, find: VARY, replace: '', rows: ['caching/used'] },
  {
    binding: 'hono',
    text: 'a late change is lost',
    file: RESPONSE,
    find: `stream ? committedAtEnd(stream, session, cookie, status) : body`,
    replace: `body`,
    rows: ['stream/late-change', 'stream/late-cookie', 'stream/late-failure'],
  },
  {
    binding: 'hono',
    text: 'a failed commit is ignored',
    find: `      replace(c, response)\n      throw error\n`,
    replace: `      replace(c, response)\n      return\n`,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'hono',
    text: 'only the last of several Set-Cookie fields of an error answer is sent',
    find: `      for (const field of setCookies) response.headers.append('set-cookie', field)\n`,
    replace: `      for (const field of setCookies) response.headers.set('set-cookie', field)\n`,
    rows: ['cookie/former-on-an-error'],
  },
  {
    binding: 'hono',
    text: 'the previous response is merged into the session’s',
    find: `  c.res = undefined\n`,
    replace: ``,
    rows: ['cookie/of-the-application'],
  },
  {
    binding: 'hono',
    text: 'an error of the error handler loses the changes',
    find: `      await cookie.commitUnseen(loaded, false)\n`,
    replace: ``,
    rows: ['error/handler-of-errors-throws'],
  },
  {
    binding: 'hono',
    text: 'header fields of the dropped body stay',
    find: `      for (const name of fieldsOfBody) response.headers.delete(name)\n`,
    replace: ``,
    rows: ['error/commit-fails'],
  },
  {
    binding: 'hono',
    text: 'the option private has no effect',
    find: `    if (isPrivate) bound.markUsed()\n`,
    replace: ``,
    rows: ['caching/private'],
  },
  {
    binding: 'hono',
    text: 'X-Forwarded-Proto of an untrusted client is used',
    find: `isEncrypted(request, trustProxy)`,
    replace: `isEncrypted(request, true)`,
    rows: ['cookie/plain-http'],
  },
  // Koa
  {
    binding: 'koa',
    text: 'the answer does not wait for the commit',
    find: `    await cookie.commit(session, ctx.status)`,
    replace: `    cookie.commit(session, ctx.status).catch(() => {})`,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'koa',
    text: 'an error answer has no cookie',
    find: `      if (visit.taken) await cookie.commit(visit.taken, 500)\n`,
    replace: `      delete (ctx.res as any).writeHead\n`,
    rows: ['error/after-a-sign-in', 'error/after-a-sign-out', 'error/after-a-change'],
  },
  { binding: 'koa', text: 'no Vary', file: COOKIE, find: VARY, replace: '', rows: ['caching/used'] },
  {
    binding: 'koa',
    text: 'a late change is lost',
    file: NODE,
    find: `headersSent ? cookie.commitAtEnd(session, statusCode) :`,
    replace: `headersSent ? undefined :`,
    rows: ['stream/late-change', 'stream/late-cookie', 'stream/late-failure'],
  },
  {
    binding: 'koa',
    text: 'a failed commit is ignored',
    find: `    dropBody(ctx)\n    throw error\n`,
    replace: ``,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'koa',
    text: 'header fields of the dropped body stay',
    find: `  for (const name of fieldsOfBody) ctx.remove(name)\n`,
    replace: ``,
    rows: ['error/commit-fails'],
  },
  {
    binding: 'koa',
    text: 'a client that has disconnected is not noticed',
    find: `  if (!ctx.writable) return cookie.commitUnseen(session, false, ctx.status)\n`,
    replace: ``,
    rows: ['commit/client-gone'],
  },
  {
    binding: 'koa',
    text: 'nothing is committed when the connection has closed',
    file: NODE,
    find: `    res.on('close',`,
    replace: `    res.on('never',`,
    rows: ['stream/client-gone', 'stream/source-fails'],
  },
  {
    binding: 'koa',
    text: 'the cookie is not closed when the head is sent',
    file: NODE,
    find: `        cookie.headLeft(session, method, present)\n`,
    replace: ``,
    rows: ['stream/first-use-late', 'stream/late-cookie'],
  },
  {
    binding: 'koa',
    text: 'a first use after the head is not reported',
    file: NODE,
    find: `if (res.headersSent) cookie.headLeft(session, method, sentFields(res))\n    else\n`,
    replace: `if (!res.headersSent)\n`,
    rows: ['stream/asked-for-late'],
  },
  {
    binding: 'koa',
    text: 'the session’s Set-Cookie replaces others',
    file: NODE,
    find: `res.appendHeader('set-cookie', field)`,
    replace: `res.setHeader('set-cookie', field)`,
    rows: ['cookie/of-the-application', 'cookie/former', 'cookie/former-on-an-error'],
  },
  // Fastify
  {
    binding: 'fastify',
    text: 'the answer does not wait for the commit',
    find: `      await cookie.commit(session, status)`,
    replace: `      cookie.commit(session, status).catch(() => {})`,
    rows: ['commit/redirect', 'error/commit-fails'],
  },
  {
    binding: 'fastify',
    text: 'an error answer has no cookie',
    file: NODE,
    find: `        cookie.headLeft(session, method, present)\n`,
    replace: `        if (res.statusCode >= 500) return {}\n`,
    rows: ['error/after-a-sign-in', 'error/after-a-sign-out', 'error/after-a-change'],
  },
  { binding: 'fastify', text: 'no Vary', file: COOKIE, find: VARY, replace: '', rows: ['caching/used'] },
  {
    binding: 'fastify',
    text: 'a late change is lost',
    file: NODE,
    find: `headersSent ? cookie.commitAtEnd(session, statusCode) :`,
    replace: `headersSent ? undefined :`,
    rows: ['stream/late-change', 'stream/late-cookie', 'stream/late-failure'],
  },
  {
    binding: 'fastify',
    text: 'a failed commit is ignored',
    find: `reply.removeHeader(name)\n      throw error`,
    replace: `reply.removeHeader(name)`,
    rows: ['error/commit-fails', 'error/nobody-awaited'],
  },
  {
    binding: 'fastify',
    text: 'header fields of the dropped body stay',
    find: `      for (const name of fieldsOfBody) reply.removeHeader(name)\n`,
    replace: ``,
    rows: ['error/commit-fails'],
  },
  {
    binding: 'fastify',
    text: 'a client that has disconnected is not noticed',
    find: `reply.raw.destroyed`,
    replace: `false`,
    rows: ['commit/client-gone'],
  },
  {
    binding: 'fastify',
    text: 'nothing is committed when the connection has closed',
    file: NODE,
    find: `    res.on('close',`,
    replace: `    res.on('never',`,
    rows: ['stream/client-gone', 'stream/source-fails'],
  },
  {
    binding: 'fastify',
    text: 'the option private has no effect',
    find: `    if (options.private) bindingOf(visit.session).markUsed()\n`,
    replace: ``,
    rows: ['caching/private'],
  },
  {
    binding: 'fastify',
    text: 'one session for all requests',
    find: `    request[VISIT] = visit\n`,
    replace: `    ;(globalThis as any).visit ??= visit\n    request[VISIT] = (globalThis as any).visit\n`,
    rows: ['race/strangers'],
  },
  // What all bindings use.
  ...(
    [
      ['an error answer fails again', `if (status < 400) throw error`, `throw error`, ['error/answer-of-an-error']],
      [
        'a failure that was reported is repeated',
        `return failed.has(bound) || (failure?.heard === true && (!failure.changed || status >= 400))`,
        `void failure\n    void status\n    return failed.has(bound)`,
        ['error/handled-by-the-handler'],
      ],
      [
        'a failed commit is repeated',
        `        failed.add(bound)\n        if (status < 400)`,
        `        if (status < 400)`,
        ['error/handler-of-errors-after-a-failure-200'],
      ],
      ['a response that was not used is marked', `      if (!bound.used) return {}\n`, ``, ['caching/not-used']],
      [
        'the removal has another path',
        `removalOf(attributes)\n`,
        `removalOf({ ...attributes, path: '/' })\n`,
        ['cookie/removed-as-set'],
      ],
      [
        'cookies of earlier deploys stay',
        `            ...formerly,\n`,
        ``,
        ['cookie/former', 'cookie/former-on-an-error'],
      ],
      [
        'they are removed by every answer',
        `        ...(change && {\n`,
        `        'set-cookie': formerly,\n        ...(change && {\n`,
        ['cookie/former'],
      ],
      [
        'a request that brings a session begins anew',
        `return others ? binding.begin : undefined`,
        `void others\n      return binding.begin`,
        ['commit/round-trips', 'race/writes'],
      ],
      [
        'the first cookie alone counts',
        `return binding.load(values)`,
        `return binding.load(values.slice(0, 1))`,
        ['cookie/doubled'],
      ],
    ] as const
  ).flatMap(([text, find, replace, rows]) =>
    (['fastify', 'hono', 'http', 'koa'] as const)
      // Hono does not call the binding again after a failed commit.
      .filter((binding) => binding !== 'hono' || text !== 'a failed commit is repeated')
      .map((binding) => ({
        binding,
        text,
        file: COOKIE,
        find,
        replace,
        rows,
      })),
  ),
  ...foundByReading,
]

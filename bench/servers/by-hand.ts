// The least that a session takes on ioredis: a GET of a hashed key for each request, and a blind SET where something changed.
import { createHash, randomBytes } from 'node:crypto'
import { parseCookie } from 'cookie'
import type { Request } from 'express'
import { Redis } from 'ioredis'
import { serve, type Small } from './serve.ts'

const redis = new Redis(process.env['REDIS_URL']!, { enableAutoPipelining: true })
const keyOf = (secret: string): string => `hand:${createHash('sha256').update(secret).digest('base64url')}`
const found = new WeakMap<Request, Small>()

serve(
  (app) => {
    app.use(async (req, res, next) => {
      const cookie = parseCookie(req.headers.cookie ?? '')['sid']
      const secret = cookie ?? randomBytes(24).toString('base64url')
      const json = cookie === undefined ? null : await redis.get(keyOf(secret))
      const data = JSON.parse(json ?? '{}') as Small
      found.set(req, data)
      const answer = res.json.bind(res)
      res.json = (body: unknown) => {
        const changed = JSON.stringify(data)
        if (changed === json) return answer(body)
        if (cookie === undefined) res.cookie('sid', secret, { httpOnly: true, sameSite: 'lax' })
        redis.set(keyOf(secret), changed, 'EX', 1800).then(() => answer(body), next)
        return res
      }
      next()
    })
  },
  (req) => found.get(req)!,
)

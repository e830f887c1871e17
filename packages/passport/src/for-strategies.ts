import { IncomingMessage } from 'node:http'
import type { Session } from '@sess/core'

/** Additional members of a session for strategies. */
type Members = Readonly<Record<string, (...values: never[]) => unknown>>

/**
 * Wraps a request for Passport and its strategies: `req.session.key` reads, writes and deletes `session.data.key`. Everything else goes to
 * the request itself. The session's own members stay.
 */
export function forStrategies<Request extends object>(request: Request, session: Session, members: Members): Request {
  const seen = sessionForStrategies(session, members)
  return new Proxy(request, {
    // Getters, and the methods of Node's streams, run on the request itself.
    get(target, name) {
      if (name === 'session') return seen
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' && isStreams(name) ? (value.bind(target) as unknown) : value
    },
  })
}

const isStreams = (name: PropertyKey): boolean => name !== 'constructor' && name in IncomingMessage.prototype

function sessionForStrategies(session: Session, members: Members): object {
  const isOwn = (name: PropertyKey): boolean => typeof name === 'symbol' || name in session
  return new Proxy(
    {},
    {
      get(_, name) {
        if (Object.hasOwn(members, name)) return members[name as string]
        if (!isOwn(name)) return session.data[name as string]
        const value: unknown = Reflect.get(session, name)
        return typeof value === 'function' ? (value.bind(session) as unknown) : value
      },
      set(_, name, value) {
        if (isOwn(name)) return Reflect.set(session, name, value)
        session.data[name as string] = value
        return true
      },
      deleteProperty: (_, name) => Reflect.deleteProperty(isOwn(name) ? session : session.data, name),
      has: (_, name) => isOwn(name) || name in session.data,
      ownKeys: () => Reflect.ownKeys(session.data),
      getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(session.data, name),
    },
  )
}

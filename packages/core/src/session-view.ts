import type { Session } from './api.ts'
import type { Plain } from './data.ts'
import { SessError } from './error.ts'
import { BINDING } from './session-binding.ts'
import type { LiveSession } from './session.ts'

/** The property of a view that holds the session behind it. Private to this file. */
const LIVE: unique symbol = Symbol('live session')

/** The method that Node.js, Bun and Deno call to print an object. */
const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom')

type Inspect = (value: unknown, options?: object) => string

/** The session object of an application: it has the members of `Session` and no others. Every access counts as use of the session. */
class View implements Session<Plain> {
  readonly #live: LiveSession

  constructor(live: LiveSession) {
    this.#live = live
  }

  get [LIVE](): LiveSession {
    return this.#live
  }

  get data(): Plain {
    return this.#live.data
  }

  get handle(): string | undefined {
    return this.#live.handle
  }

  get status(): Session['status'] {
    return this.#live.status
  }

  get subject(): string | undefined {
    return this.#live.subject
  }

  get createdAt(): number {
    return this.#live.createdAt
  }

  get authenticatedAt(): number | undefined {
    return this.#live.authenticatedAt
  }

  get expiresAt(): number {
    return this.#live.expiresAt
  }

  commit(...rest: never[]): ReturnType<Session['commit']> {
    refuseCallback('commit()', rest)
    return this[LIVE].commit()
  }

  update(...values: Parameters<Session<Plain>['update']>): ReturnType<Session['update']> {
    refuseCallback('update()', values.slice(1))
    return this[LIVE].update(...values)
  }

  login(...values: Parameters<Session['login']>): ReturnType<Session['login']> {
    refuseCallback('login()', values)
    return this[LIVE].login(...values)
  }

  regenerate(...values: Parameters<Session['regenerate']>): ReturnType<Session['regenerate']> {
    refuseCallback('regenerate()', values)
    return this[LIVE].regenerate(...values)
  }

  logout(...rest: never[]): ReturnType<Session['logout']> {
    refuseCallback('logout()', rest)
    return this[LIVE].logout()
  }

  destroy(...rest: never[]): ReturnType<Session['destroy']> {
    refuseCallback('destroy()', rest)
    return this[LIVE].destroy()
  }

  flash(...values: Parameters<Session['flash']>): void {
    this[LIVE].flash(...values)
  }

  flashed<Message>(...values: Parameters<Session['flashed']>): Message[] {
    return this[LIVE].flashed<Message>(...values)
  }

  requireFresh(...values: Parameters<Session['requireFresh']>): void {
    this[LIVE].requireFresh(...values)
  }

  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const live = this[LIVE]
    live.markUsed()
    const { handle, status, subject } = live
    return `Session ${inspect({ handle, status, subject, data: dataToShow(live) }, options)}`
  }
}

const PROTOTYPE: object = View.prototype
for (const name of Reflect.ownKeys(PROTOTYPE)) {
  const { value } = Reflect.getOwnPropertyDescriptor(PROTOTYPE, name)!
  if (typeof value === 'function') Object.freeze(value)
}
Object.freeze(PROTOTYPE)

/** Methods of an express-session object that a session does not have, and what to call instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  save: 'call await session.commit(); a binding commits before it sends the response',
  reload: 'call await sessions.load(cookieValue); commit() merges the changes of other requests',
}
const REFUSALS: ReadonlyMap<PropertyKey, () => never> = new Map(
  Object.entries(ELSEWHERE).map(([name, cure]) => [
    name,
    Object.freeze((): never => {
      throw new TypeError(`session.${name}() is express-session's; here ${cure}`)
    }),
  ]),
)

const HANDLER: ProxyHandler<View> = {
  get(view, name) {
    const live = view[LIVE]
    if (name === LIVE) return live
    if (name === BINDING) return live.binding
    // An async function that returns a session reads `then`; this is no use of the session.
    if (name === 'then') return undefined
    live.markUsed()
    // Without a receiver, so that getters run on the view itself, which has the private field.
    return REFUSALS.get(name) ?? Reflect.get(view, name)
  },
  set(view, name, value) {
    const live = view[LIVE]
    live.markUsed()
    if (name !== 'data') throw noAssignment(name)
    live.data = value as Plain
    return true
  },
  has(view, name) {
    view[LIVE].markUsed()
    return Reflect.has(view, name)
  },
  ownKeys(view) {
    view[LIVE].markUsed()
    return []
  },
  getOwnPropertyDescriptor(view) {
    view[LIVE].markUsed()
    return undefined
  },
  defineProperty(_, name) {
    throw noAssignment(name)
  },
  deleteProperty(_, name) {
    throw new TypeError(`session.${String(name)} cannot be deleted; delete session.data.${String(name)}, or log out`)
  },
  setPrototypeOf() {
    throw new TypeError('the prototype of a session cannot be replaced')
  },
  preventExtensions() {
    throw new TypeError('a session cannot be frozen or sealed')
  },
}

/** The session behind an application's session object; undefined for anything else, and for a session of another copy of core. */
export function liveOf(value: unknown): LiveSession | undefined {
  return typeof value === 'object' && value !== null ? (value as { readonly [LIVE]?: LiveSession })[LIVE] : undefined
}

/** Makes the session object of an application. */
export function viewOf(live: LiveSession): Session<Plain> {
  return new Proxy(new View(live), HANDLER)
}

/** What to call instead of an assignment to a member of a session, or to a property that looks like a member. */
const CURES: Readonly<Record<string, string>> = {
  subject: 'call await session.login(userId)',
  status: 'call login(), logout() or destroy()',
  handle: 'core makes it; for another secret call await session.regenerate()',
  createdAt: 'core sets it; keep times of your own in session.data',
  authenticatedAt: 'call login(), which sets it',
  expiresAt: 'lifetimes are options of createSessions() and of login()',
  login: 'it is a method: call await session.login(subject)',
  logout: 'it is a method: call await session.logout()',
  destroy: 'it is a method: call await session.destroy()',
  regenerate: 'it is a method: call await session.regenerate()',
  commit: 'it is a method: call await session.commit()',
  update: 'it is a method: call await session.update((data) => { … })',
  flash: "it is a method: call session.flash('name', message), and session.flashed('name') to read",
  flashed: "it is a method: call session.flash('name', message), and session.flashed('name') to read",
  requireFresh: "it is a method: call session.requireFresh('5m')",
  cookie: 'cookie options belong to the binding, lifetimes to createSessions() and to login()',
  maxAge: 'lifetimes are options of createSessions() and of login()',
}

/** The error of an assignment to a session: the value would be lost. */
function noAssignment(property: PropertyKey): TypeError {
  const name = String(property)
  const cure = Object.hasOwn(CURES, name) ? CURES[name]! : `did you mean session.data.${name}?`
  return new TypeError(`session.${name} cannot be assigned and would not be saved; ${cure}`)
}

/** Refuses a callback: the methods return promises, and would never call it. */
function refuseCallback(method: string, values: readonly unknown[]): void {
  if (values.some((value) => typeof value === 'function'))
    throw new SessError('invalid_option', `session.${method} takes no callback: await it. Nothing was done`)
}

function dataToShow(live: LiveSession): unknown {
  try {
    return live.data
  } catch (error) {
    return error
  }
}

import type { Session } from '@sess/core'
import type { DemoData } from './data.ts'
import { html, type Html, type Value } from './html.ts'
import { sourceLink } from './source.ts'

/** The data that every page needs. */
export interface Frame {
  readonly path: string
  readonly session: Session<Partial<DemoData>>
  /** Flash messages. */
  readonly notices: readonly unknown[]
  /** Whether the browser sent a cookie of a session that has ended. */
  readonly ended: boolean
  /** The time of the sessions' clock, in ms since the epoch. */
  readonly now: number
}

/** The message for a browser whose session was ended elsewhere. */
export const ENDED =
  'You are signed out here: another device ended the session of this browser, or its time ran out. Sign in to go on.'

/** A page in its frame: navigation, messages, content. */
export function page(frame: Frame, title: string, body: Html, scripts?: Html): Html {
  const { session, notices } = frame
  const said: Value[] = notices.map((notice) => html`<p class="notice" role="status">${String(notice)}</p>`)
  if (frame.ended && session.subject === undefined) said.push(html`<p class="notice" role="status">${ENDED}</p>`)
  if (session.status === 'superseded')
    said.push(
      html`<p class="notice" role="status">
        This page was asked for with a cookie that has just been replaced. <a href="${frame.path}">Load it again</a>.
      </p>`,
    )
  return document(title, frame.path, session.subject, html`${said}${body}`, scripts)
}

/** @param user - Undefined: nobody is signed in. Null: it is not known who is signed in. */
function document(title: string, path: string, user: string | undefined | null, body: Html, scripts?: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · @sess demo</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        ${scripts}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <div class="bar">
            <a class="brand" href="/">@sess</a>
            ${user !== null && navigation(path, user)}
          </div>
        </header>
        <main id="main">${body}</main>
        <footer>
          <p class="bar">
            ${sourceLink('', '@sess on GitHub')} ${sourceLink('packages/core/README.md', 'Documentation')}
            ${sourceLink('examples/demo/app.ts', 'Code of this demo')}
            ${sourceLink('packages/core/README.md#what-no-server-can-promise', 'What no server can promise')}
          </p>
        </footer>
      </body>
    </html>`
}

function navigation(path: string, user: string | undefined): Html {
  const link = (to: string, name: string): Html =>
    html`<a href="${to}" ${to === path && html` aria-current="page"`}>${name}</a>`
  return html`<nav aria-label="Main">
      ${link('/', user === undefined ? 'Welcome' : 'Dashboard')}
      ${user !== undefined && link('/devices', 'Your devices')} ${link('/lab', 'Race lab')}
    </nav>
    ${
      user === undefined
        ? path !== '/' && path !== '/login' && html`<a class="button" href="/login">Sign in</a>`
        : html`<form method="post" action="/logout">
            <span class="who" title="${user}">${user}</span>
            <button>Sign out</button>
          </form>`
    }`
}

/** A page that says what went wrong and what to do. `user` is null if it is not known who is signed in. */
export function errorPage(path: string, user: string | undefined | null, title: string, message: string): Html {
  return document(
    title,
    path,
    user,
    html`<div class="narrow">
      <h1>${title}</h1>
      <p class="lead">${message}</p>
      <p><a href="/">Back to the start</a></p>
    </div>`,
  )
}

/** A time relative to now: `3 minutes ago`, `in 30 minutes`. */
export function time(at: number | undefined, now: number): Html {
  return at === undefined ? html`never` : html`<time datetime="${new Date(at).toISOString()}">${ago(at - now)}</time>`
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

function ago(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes === 0) return 'just now'
  return Math.abs(minutes) < 90 ? RELATIVE.format(minutes, 'minute') : RELATIVE.format(Math.round(minutes / 60), 'hour')
}

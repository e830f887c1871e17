import type { SessionInfo } from '@sess/core'
import { notesOf } from './data.ts'
import { html, type Html } from './html.ts'
import { type Frame, time } from './layout.ts'

/** The things in the shop. */
export const THINGS: readonly string[] = ['Notebook', 'Pencil', 'Ink']

/** The limits of a session: the number of notes, and the lengths of titles and texts in characters. */
export const NOTES = { count: 20, title: 40, text: 200 } as const

/** Options of the sign-in card. */
export interface SignInAttempt {
  /** The heading of the card, if the page has another heading. */
  readonly heading?: string
  readonly error?: string
  readonly user?: string
  /** The page after the sign-in. */
  readonly next?: string
}

export function signInCard({ heading, error, user, next }: SignInAttempt): Html {
  return html`<form class="card sign-in" method="post" action="/login">
    ${heading !== undefined && html`<h2>${heading}</h2>`}
    ${error !== undefined && html`<p class="error" role="alert" id="sign-in-error">${error}</p>`}
    <label for="user">Name</label>
    <input
      id="user"
      name="user"
      value="${user}"
      required
      maxlength="64"
      autocomplete="username"
      autocapitalize="none"
      spellcheck="false"
    />
    <label for="password">Password</label>
    <input
      id="password"
      name="password"
      type="password"
      required
      autocomplete="current-password"
      aria-describedby="password-hint${error !== undefined && ' sign-in-error'}"
    />
    <p class="hint" id="password-hint">Any name will do. The password is <code>demo</code>.</p>
    <label class="check"
      ><input type="checkbox" name="remember" checked /> Stay signed in when the browser closes</label
    >
    ${next !== undefined && html`<input type="hidden" name="next" value="${next}" />`}
    <button class="primary">Sign in</button>
  </form>`
}

export function factsCard({ session, now }: Frame): Html {
  return html`<section class="card" aria-labelledby="facts">
    <h2 id="facts">This session</h2>
    <dl>
      <dt>Signed in</dt>
      <dd>${time(session.authenticatedAt, now)}</dd>
      <dt>Ends</dt>
      <dd>${time(session.expiresAt, now)}, unless you use it</dd>
      <dt>Cookie</dt>
      <dd><code>__Host-sid</code>, which no script and no other site can read</dd>
      <dt>Handle</dt>
      <dd><code>${session.handle}</code><br /><small>names the session in lists and logs; opens nothing</small></dd>
    </dl>
  </section>`
}

export function basketCard({ session }: Frame): Html {
  const basket = Object.entries(session.data.basket ?? {})
  return html`<section class="card" id="basket" aria-labelledby="basket-name">
    <div class="head">
      <h2 id="basket-name">Basket</h2>
      ${basket.length > 0 && html`<form method="post" action="/basket"><button class="plain" name="item" value="">Empty it</button></form>`}
    </div>
    ${
      basket.length === 0
        ? html`<p class="quiet">
            Empty.${session.subject === undefined && ' What you put in now comes along when you sign in.'}
          </p>`
        : html`<ul class="lines">
            ${basket.map(([thing, count]) => html`<li><span>${thing}</span><b>${count}</b></li>`)}
          </ul>`
    }
    <form class="row" method="post" action="/basket">
      ${THINGS.map((thing) => html`<button name="item" value="${thing}">Add ${thing.toLowerCase()}</button>`)}
    </form>
  </section>`
}

export function notesCard({ session }: Frame): Html {
  const notes = Object.entries(notesOf(session.data))
  return html`<section class="card" id="notes" aria-labelledby="notes-name">
    <h2 id="notes-name">Notes</h2>
    ${
      notes.length === 0
        ? html`<p class="quiet">None yet. They are kept in the session, and go with it.</p>`
        : html`<ul class="lines">
            ${notes.map(
              ([title, text]) =>
                html`<li>
                  <span><b>${title}</b> ${text}</span>
                  <form method="post" action="/notes">
                    <input type="hidden" name="key" value="${title}" />
                    <button class="plain" name="value" value="" aria-label="Remove ${title}">Remove</button>
                  </form>
                </li>`,
            )}
          </ul>`
    }
    <form class="fields" method="post" action="/notes">
      <div>
        <label for="key">Title</label
        ><input id="key" name="key" required maxlength="${NOTES.title}" autocomplete="off" />
      </div>
      <div>
        <label for="value">Text</label
        ><input id="value" name="value" required maxlength="${NOTES.text}" autocomplete="off" />
      </div>
      <button>Save note</button>
    </form>
  </section>`
}

export function administratorCard({ session }: Frame): Html {
  const on = session.data.administrator === true
  return html`<section class="card" id="administrator" aria-labelledby="administrator-name">
    <h2 id="administrator-name">Administrator mode ${on && html`<span class="badge">On</span>`}</h2>
    <p class="quiet">
      Turning it on needs a sign-in from the last five minutes. Either way the session gets a new secret: a stolen
      cookie is worth nothing afterwards.
    </p>
    <form method="post" action="/administrator">
      <button name="mode" value="${on ? 'off' : 'on'}">${on ? 'Turn it off' : 'Turn it on'}</button>
    </form>
  </section>`
}

/** An entry of the list of devices. */
export function deviceItem(device: SessionInfo, isThis: boolean, now: number): Html {
  const phone = /^(iPhone|iPad|Android)$/.test(device.client['platform'] ?? '')
  return html`<li>
    ${phone ? PHONE : LAPTOP}
    <div>
      <p class="device-name">
        ${device.label ?? 'Unknown device'} ${isThis && html`<span class="badge">This device</span>`}
      </p>
      <p class="quiet facts">
        <span>Signed in ${time(device.authenticatedAt, now)}</span>
        ${device.lastSeenAt !== undefined && html`<span>Last seen ${time(device.lastSeenAt, now)}</span>`}
      </p>
    </div>
    ${
      !isThis &&
      html`<form method="post" action="/devices/revoke">
        <button name="handle" value="${device.handle}" aria-label="Sign out ${device.label}">Sign out</button>
      </form>`
    }
  </li>`
}

const LAPTOP = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="4" y="5" width="16" height="11" rx="1.5" />
  <path d="M2 19h20" />
</svg>`
const PHONE = html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <rect x="7" y="2.5" width="10" height="19" rx="2" />
  <path d="M11 18.5h2" />
</svg>`

import type { SessionInfo } from '@sess/core'
import {
  administratorCard,
  basketCard,
  deviceItem,
  factsCard,
  notesCard,
  signInCard,
  type SignInAttempt,
} from './cards.ts'
import { html, type Html } from './html.ts'
import { type Frame, page } from './layout.ts'
import { type Measured, OURS, OVERWRITING, type RaceName } from './measured.ts'
import { sourceLink } from './source.ts'

/** The page for visitors who are not signed in. */
export function welcomePage(frame: Frame): Html {
  return page(
    frame,
    'Welcome',
    html`<div class="split">
        <div>
          <h1>Sessions that cannot be lost, resurrected or fixated.</h1>
          <p class="lead">
            A small shop on Express and SQLite. Fill the basket, sign in, and see it come along. Then sign in with a
            second browser and sign it out from the first.
          </p>
          <p><a href="/lab">Or race our sessions against the usual kind</a></p>
        </div>
        ${signInCard({ heading: 'Sign in' })}
      </div>
      <div class="grid">${basketCard(frame)}</div>`,
  )
}

/** The sign-in page. It asks a signed-in user for the password again. */
export function signInPage(frame: Frame, attempt: SignInAttempt): Html {
  const { subject } = frame.session
  return page(
    frame,
    'Sign in',
    html`<div class="narrow">
      <h1>${subject === undefined ? 'Sign in' : 'Sign in again'}</h1>
      ${subject !== undefined && html`<p class="lead">What you asked for needs a sign-in from the last five minutes. You stay signed in here either way.</p>`}
      ${signInCard({ ...(subject !== undefined && { user: subject }), ...attempt })}
    </div>`,
  )
}

/** The page for signed-in visitors. */
export function dashboardPage(frame: Frame): Html {
  return page(
    frame,
    'Dashboard',
    html`<h1>Hello, ${frame.session.subject}</h1>
      <div class="grid">${factsCard(frame)} ${basketCard(frame)} ${notesCard(frame)} ${administratorCard(frame)}</div>`,
  )
}

/** The list of the user's sessions, the session of this browser first. */
export function devicesPage(frame: Frame, devices: readonly SessionInfo[]): Html {
  const { handle } = frame.session
  const others = devices.filter((device) => device.handle !== handle)
  return page(
    frame,
    'Your devices',
    html`<h1>Your devices</h1>
      <p class="lead">
        Every browser in which you are signed in. One that you sign out here is out at its next request, and is told so;
        at once where this page is open in it.
      </p>
      <ul class="devices card">
        ${devices.map((device) => deviceItem(device, device.handle === handle, frame.now))}
      </ul>
      ${
        others.length > 0
          ? html`<form method="post" action="/devices/sign-out-others">
              <button>Sign out everywhere else</button>
            </form>`
          : html`<p class="quiet">
              This is the only one. To see another, sign in as ${frame.session.subject} with a second browser or in a
              private window.
            </p>`
      }`,
    html`<script type="module" src="/devices.js"></script>`,
  )
}

/** The page of the race lab. */
export function labPage(frame: Frame): Html {
  return page(
    frame,
    'Race lab',
    html`<h1>Race lab</h1>
      <p class="lead">
        The same requests, at the same moments, against two kinds of session in the same SQLite file. What is counted as
        kept, lost or alive is read back from the server afterwards.
      </p>
      <form id="lab-form" class="toolbar">
        <label for="rounds">Rounds</label>
        <select id="rounds" name="rounds">
          <option>1</option>
          <option selected>3</option>
          <option>10</option>
          <option>50</option>
        </select>
        <button class="primary">Run the races</button>
        <span id="progress" class="quiet" role="status"></span>
      </form>
      <noscript><p class="notice">The races are run by your browser, so this page needs JavaScript.</p></noscript>
      <ul class="legend" aria-label="Legend">
        <li><i class="kept"></i>kept</li>
        <li><i class="lost"></i>said to be saved, but lost</li>
        <li><i class="revived"></i>brought an ended session back</li>
        <li><i class="refused"></i>refused, and told so</li>
        <li><i class="rival"></i>logout or sign-in</li>
      </ul>
      <div class="contestants">
        ${contestant('blind', 'Blind overwrite', html`Loads the whole session and saves the whole session, as express-session and @fastify/session do (${sourceLink('examples/demo/blind-session.ts', 'its code')}). Beside it stands what was measured on those two.`, OVERWRITING)}
        ${contestant('ours', '@sess', html`Compares before it sets, merges by key. A delete is final, and a sign-in leaves one secret (${sourceLink('packages/core/README.md', 'how')}).`, OURS)}
      </div>
      <p class="quiet">
        Measured: over HTTP on two server processes, in 1,000 trials of each race, by
        ${sourceLink('packages/race/README.md', '@sess/race')}. The whole table is in
        ${sourceLink('README.md', 'the README')};
        <code>pnpm --filter @sess/race compare --trials 1000</code> measures it again.
      </p>
      <p class="quiet">
        A bar is one request, from its load to its save, on a scale of its own for each drawing: they show the order,
        and not who is faster. In the first race each is busy for a moment in between, and browsers send six at a time
        to one server, hence the steps. In the others each waits, loaded, until the logout or the sign-in is through.
      </p>`,
    html`<script type="module" src="/race-lab.js"></script>`,
  )
}

function contestant(id: string, name: string, how: Html, measured: readonly Measured[]): Html {
  return html`<section class="card contestant" id="${id}" aria-labelledby="${id}-name">
    <h2 id="${id}-name">${name}</h2>
    <p class="quiet">${how}</p>
    ${race('writes', '20 parallel requests, each writes its own key', 'writes lost', measured)}
    ${race('logout', 'A logout while four writes are in flight', 'sessions alive again', measured)}
    ${race('login', 'A sign-in while four writes are in flight', 'old cookies still alive', measured)}
  </section>`
}

function race(name: RaceName, what: string, unit: string, measured: readonly Measured[]): Html {
  return html`<div class="race" data-race="${name}">
    <h3>${what}</h3>
    <svg class="timeline" role="img" aria-label="Not run yet"></svg>
    <p class="score"><output>–</output> <span>${unit}</span></p>
    <p class="quiet">Measured in 1,000 trials:</p>
    <dl class="measured">
      ${measured.map(
        ({ of, counts }) =>
          html`<dt>${of}</dt>
            <dd>${counts[name]}</dd>`,
      )}
    </dl>
  </div>`
}

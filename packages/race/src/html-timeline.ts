import { html, inMs, timeline as barsOf, type Bar, type Html } from '#report'
import { CHECKS, type Timeline } from './result.ts'
import type { Sighting, TimelineEvent } from './trial.ts'

/** Whether a sighting is what the race is about. */
function isBad({ race, checks }: Timeline, { by }: TimelineEvent, { what, there }: Sighting): boolean {
  if (checks.length === 0) return false
  if (by !== 'browser') return there
  const signIn = what === 'signed in'
  if (race === 'writes') return !there && !signIn
  if (race === 'logout') return there
  return !there && (signIn ? checks.includes('sign-in-lost') : checks.includes('lost-over-login'))
}

function wordsFor({ what, there }: Sighting): string {
  if (there) return what
  return what === 'signed in' ? 'not signed in' : `no ${what}`
}

function barOf(timeline: Timeline, event: TimelineEvent, start: number): Bar {
  const { saw, racing, status, error, by, server, from, to } = event
  const failed = (status === 0 || status >= 400) && !saw
  const answer = error ?? String(status)
  const title = `${inMs(from - start)} to ${inMs(to - start)} ms`
  const label = html`${event.label}, ${by}
    <small
      ><code>${event.request}</code> → server ${server + 1}: ${answer}${event.setsCookie && ', sets the cookie'},
      ${title}</small
    >
    ${saw?.map((each) => html`<span class="saw ${isBad(timeline, event, each) && 'bad'}">${wordsFor(each)}</span>`)}`
  return { label, from, to, title, kind: `${racing ? 'racing' : saw ? 'looking' : ''} ${failed ? 'failed' : ''}` }
}

/** One trial, request by request, on a common axis. */
export function timelineSection(timeline: Timeline): Html {
  const { checks, trial } = timeline
  const events = timeline.events.toSorted((a, b) => a.from - b.from)
  const title = checks.length > 0 ? checks.map((check) => CHECKS[check].title).join('; ') : 'nothing found'
  return html`<section class="card timeline">
    <h3>Trial ${trial + 1}: ${title}</h3>
    ${barsOf(events.map((event) => barOf(timeline, event, events[0]!.from)))}
  </section>`
}

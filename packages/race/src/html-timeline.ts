import { html, type Html } from './html.ts'
import { CHECKS, type Timeline } from './result.ts'
import type { Sighting, TimelineEvent } from './trial.ts'

/** Roughly how many marks the axis has. */
const MARKS = 5

const inMs = (ms: number): string => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0))

/** A step of 1, 2 or 5 times a power of ten. */
function stepOf(span: number): number {
  const rough = span / MARKS
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
}

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

function eventRow(timeline: Timeline, event: TimelineEvent, start: number, span: number): Html {
  const { saw, racing, status, error, by, server, from, to } = event
  const failed = status === 0 || status >= 400
  const kind = racing ? 'racing' : saw ? 'looking' : ''
  const answer = error ?? String(status)
  const at = (ms: number): string => (((ms - start) / span) * 100).toFixed(2)
  const title = `${inMs(from - start)} to ${inMs(to - start)} ms`
  return html`<div class="event ${kind} ${failed && !saw && 'failed'}">
    <div class="what">
      ${event.label}, ${by}
      <small
        ><code>${event.request}</code> → server ${server + 1}: ${answer}${event.setsCookie && ', sets the cookie'},
        ${title}</small
      >
      ${saw?.map((each) => html`<span class="saw ${isBad(timeline, event, each) && 'bad'}">${wordsFor(each)}</span>`)}
    </div>
    <div class="track">
      <span
        class="bar"
        style="left:${at(from)}%;width:${(((to - from) / span) * 100).toFixed(2)}%"
        title="${title}"
      ></span>
    </div>
  </div>`
}

/** One trial, request by request, on a common axis. */
export function timelineSection(timeline: Timeline): Html {
  const { events, checks, trial } = timeline
  const start = Math.min(...events.map(({ from }) => from))
  const span = Math.max(...events.map(({ to }) => to)) - start || 1
  const step = stepOf(span)
  const marks = Array.from({ length: Math.floor((span * 0.9) / step) + 1 }, (_, index) => index * step)
  const title = checks.length > 0 ? checks.map((check) => CHECKS[check].title).join('; ') : 'nothing found'
  return html`<section class="card timeline">
    <h3>Trial ${trial + 1}: ${title}</h3>
    <div class="events">
      ${events.toSorted((a, b) => a.from - b.from).map((event) => eventRow(timeline, event, start, span))}
    </div>
    <div class="axis">
      <div>
        ${marks.map((mark) => html`<span style="left:${((mark / span) * 100).toFixed(2)}%">${Number(mark.toPrecision(6))} ms</span>`)}
      </div>
    </div>
  </section>`
}

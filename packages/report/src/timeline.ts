import { html, type Html } from './html.ts'

/** A bar of a timeline. */
export interface Bar {
  /** The text beside the bar. */
  readonly label: Html | string
  /** The start, in ms, on a clock that all bars share. */
  readonly from: number
  /** The end, in ms. */
  readonly to: number
  /** CSS classes of the row: `failed` draws an outline; the page's own style sheet defines others. */
  readonly kind?: string
  /** The tooltip of the bar. Default: its times. */
  readonly title?: string
}

/** About how many marks the axis has. */
const MARKS = 5

/** A time in ms as text: with one decimal below 10 ms, otherwise without. */
export function inMs(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}

/** A step of 1, 2 or 5 times a power of ten. */
function stepOf(span: number): number {
  const rough = span / MARKS
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
}

/** Draws bars on a common axis that starts with the earliest bar. The bars keep their order. */
export function timeline(bars: readonly Bar[]): Html {
  const start = Math.min(...bars.map(({ from }) => from))
  const span = Math.max(...bars.map(({ to }) => to)) - start || 1
  const step = stepOf(span)
  const marks = Array.from({ length: Math.floor((span * 0.9) / step) + 1 }, (_, index) => index * step)
  const share = (ms: number): string => `${((ms / span) * 100).toFixed(2)}%`
  return html`<div class="events">
      ${bars.map(
        ({ label, from, to, kind, title = `${inMs(from - start)} to ${inMs(to - start)} ms` }) =>
          html`<div class="event ${kind}">
            <div class="what">${label}</div>
            <div class="track">
              <span class="bar" style="left:${share(from - start)};width:${share(to - from)}" title="${title}"></span>
            </div>
          </div>`,
      )}
    </div>
    <div class="axis">
      <div>
        ${marks.map((mark) => html`<span style="left:${share(mark)}">${Number(mark.toPrecision(6))} ms</span>`)}
      </div>
    </div>`
}

import { definitions, html, page, timeline, type Bar, type Html } from '#report'
import type { Step } from '../result.ts'
import type { CaseReport, Report, Status } from './report.ts'
import { style } from './style.ts'
import { countsOf, STATUS, summaryOf, timesOf } from './text.ts'

const CLASS: Readonly<Record<Status, string>> = {
  pass: 'clean',
  fail: 'found',
  deviates: 'unjudged',
  'not-applicable': 'none',
  inconclusive: 'unjudged',
  'harness-error': 'unjudged',
}

/** How many colours there are for clients. With more clients the colours repeat. */
const COLORS = 4

const nameOf = (clause: string): string =>
  clause === 'rotation-login' ? 'rotation and login' : clause.replaceAll('-', ' ')

const tag = (status: Status): Html => html`<span class="tag ${CLASS[status]}">${STATUS[status]}</span>`

function barOf(step: Step, clients: readonly string[], end: number): Bar {
  const { client, call, from, to = end, answer, wrong } = step
  const never = step.to === undefined
  return {
    from,
    to,
    kind: `by-${clients.indexOf(client) % COLORS} ${wrong ? 'failed' : never ? 'never' : ''}`,
    title: timesOf(step),
    label: html`<code>${call}</code>
      <small>${client}${!never && html`: ${answer}`}</small>
      ${wrong && html`<span class="tag found">cannot be right</span>`}
      ${never && html`<span class="tag unjudged">never ended</span>`}`,
  }
}

function stepsOf(steps: readonly Step[]): Html | false {
  const clients = [...new Set(steps.map(({ client }) => client))]
  const end = Math.max(...steps.map(({ from, to = from }) => to)) * 1.05 + 0.1
  return (
    steps.length > 0 &&
    html`<p class="legend soft">
        ${clients.map((client, i) => html`<span><b class="by-${i % COLORS}"></b>${client}</span>`)}
      </p>
      ${timeline(steps.map((step) => barOf(step, clients, end)))}`
  )
}

function failureOf({ id, text, status, failure, deviation }: CaseReport): Html {
  const { message, steps, replay } = failure!
  return html`<section class="card failure" id="${id}">
    <p>${tag(status)} <code>${id}</code></p>
    <h3>${text}</h3>
    ${deviation && html`<p class="soft">${deviation.reason} (${deviation.issue})</p>`}
    <pre>${message}</pre>
    ${stepsOf(steps)}
    <p class="soft">Again: <code>sess-conformance HARNESS ${replay}</code></p>
  </section>`
}

function rowOf({ id, text, status, ms, layer, evidence, failure }: CaseReport): Html {
  return html`<div class="row">
    ${tag(status)}
    <div>
      ${text}
      <small class="soft">
        ${failure ? html`<a href="#${id}"><code>${id}</code></a>` : html`<code>${id}</code>`}${layer !== 'example' && `, ${layer}`}
      </small>
    </div>
    <span class="count soft">${ms} ms</span>
    ${evidence !== undefined && html`<p class="remark soft">${evidence}</p>`}
  </div>`
}

function clauseOf(clause: string, cases: readonly CaseReport[]): Html {
  const open = cases.some(({ status }) => status !== 'pass' && status !== 'not-applicable')
  return html`<details class="card" ${open && 'open'}>
    <summary>
      <h3>${nameOf(clause)}</h3>
      <span class="strip"
        >${cases.map(({ status, id }) => html`<i class="${CLASS[status]}" title="${id}: ${STATUS[status]}"></i>`)}</span
      >
      <span class="soft">${countsOf(cases)}</span>
    </summary>
    ${cases.map(rowOf)}
  </details>`
}

function benchOf({ bench = [] }: Report): Html | false {
  return (
    bench.length > 0 &&
    html`<h2>Measured, one call after another</h2>
      <div class="card scroll">
        <table>
          <tr>
            ${['operation', 'p50 ms', 'p99 ms', 'store calls', 'round trips'].map((name) => html`<th>${name}</th>`)}
          </tr>
          ${bench.map(
            ({ operation, p50, p99, calls, roundTrips }) =>
              html`<tr>
                <td>${operation}</td>
                ${[p50, p99, calls, roundTrips ?? '–'].map((value) => html`<td>${value}</td>`)}
              </tr>`,
          )}
        </table>
      </div>`
  )
}

function factsOf({ versions, traits, seed, effort, complete, contract }: Report): Html {
  return definitions([
    ...Object.entries(versions),
    ['contract', `version ${contract}${complete ? '' : effort < 1 ? ', a quick run' : ', in part'}`],
    ['seed', String(seed)],
    ...Object.entries(traits ?? {}).map(([trait, value]) => [trait, html`<code>${String(value)}</code>`] as const),
  ])
}

/** Makes a report as a page: one file that loads nothing. */
export function htmlReport(report: Report): string {
  const { name, cases, verdict, complete, startedAt, durationMs, kind, notes = [] } = report
  const clauses = [...new Set(cases.map(({ clause }) => clause))]
  const failures = cases.filter(({ failure }) => failure !== undefined)
  const tone = verdict === 'pass' && !complete ? CLASS.inconclusive : CLASS[verdict]
  const body = html`<h1>${name}</h1>
    <p class="soft">
      Conformance of a ${kind}. ${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${(durationMs / 1000).toFixed(1)} s.
    </p>
    <p class="verdict ${tone}">${summaryOf(report)}</p>
    <p>${countsOf(cases)}${cases.length > 0 && ` of ${cases.length} cases.`}</p>
    ${notes.map((note) => html`<p class="soft">Note: ${note}.</p>`)}
    ${failures.length > 0 && html`<h2>Cases that did not pass</h2>`} ${failures.map(failureOf)}
    ${clauses.length > 0 && html`<h2>Clause by clause</h2>`}
    ${clauses.map((clause) =>
      clauseOf(
        clause,
        cases.filter((one) => one.clause === clause),
      ),
    )}
    ${benchOf(report)}
    <h2>On trial</h2>
    ${factsOf(report)}`
  return page({ title: summaryOf(report), style, body })
}

import { definitions, html, page, type Html } from '#report'
import { style } from './html-style.ts'
import { timelineSection } from './html-timeline.ts'
import type { RaceName } from './options.ts'
import type { Baseline, RaceResult, Row } from './result.ts'
import { countOf, headingOf, intervalOf, labelOf, remarksOf, summaryOf } from './text-report.ts'

const titles: Record<RaceName, string> = {
  writes: 'Parallel writes',
  logout: 'A logout while a request is in flight',
  login: 'A login while a request is in flight',
  fixation: 'A login under a cookie that somebody else knows',
  adoption: 'Cookies that no server gave out, or that are over',
}

const tagClass: Record<Row['status'], string> = {
  found: 'found',
  clean: 'clean',
  'not judged': 'unjudged',
  'not run': '',
}

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`

function meter({ found, judged, status, interval: [low, high] }: Row): Html {
  return html`<div class="meter ${status === 'found' && 'bad'}">
    <i class="range" style="left:${percent(low)};width:${percent(high - low)}"></i>
    ${found > 0 && html`<i style="left:0;width:${percent(found / judged)}"></i>`}
  </div>`
}

function rowOf(row: Row): Html {
  const run = row.status !== 'not run'
  const remarks = remarksOf(row)
  return html`<div class="row ${!run && 'not-run'}">
    <span class="tag ${tagClass[row.status]}">${run ? labelOf(row) : 'not run'}</span>
    <h3>${row.title}</h3>
    <span class="count">${run && countOf(row)} <span class="soft">${run && intervalOf(row)}</span></span>
    ${row.judged > 0 && meter(row)}
    ${remarks.length > 0 && html`<p class="remark soft">${remarks.join('; ').replace(/^not run: /, '')}</p>`}
  </div>`
}

const yesNo = (value: boolean | undefined): string | undefined =>
  value === undefined ? undefined : value ? 'yes' : 'no'

function facts(baseline: Baseline): [string, string | undefined][] {
  const { latencyMs } = baseline
  const times = Object.entries({ 'in flight': latencyMs.inFlight, login: latencyMs.login, logout: latencyMs.logout })
  return [
    ['Session cookies', baseline.cookies.join(', ')],
    ['Anonymous session', { writable: 'yes', empty: 'yes, but it takes no writes', none: 'none' }[baseline.anonymous]],
    ['A login gives a new cookie value', yesNo(baseline.loginRotates)],
    ['A login keeps what was written before', yesNo(baseline.loginCarriesData)],
    ['Old cookie good after a quiet login', yesNo(baseline.aliveAfterLogin)],
    ['Old cookie good after a quiet logout', yesNo(baseline.aliveAfterLogout)],
    [
      'Shortest times',
      times.flatMap(([name, ms]) => (ms === undefined ? [] : [`${name} ${ms.toFixed(1)} ms`])).join(', '),
    ],
  ]
}

function raceSection(result: RaceResult, race: RaceName): Html | false {
  const timelines = result.timelines.filter((timeline) => timeline.race === race)
  return (
    timelines.length > 0 &&
    html`<h2>${titles[race]}</h2>
      ${timelines.map(timelineSection)}`
  )
}

/** The result as a page: one file that loads nothing. */
export function htmlReport(result: RaceResult): string {
  const verdict = { clean: 'clean', found: 'found', 'not judged': 'unjudged' }[result.verdict]
  const body = html`<h1>Session races</h1>
    <p class="soft">
      ${headingOf(result)}. ${result.servers.join(', ')}. ${result.startedAt.slice(0, 16).replace('T', ' ')} UTC,
      ${(result.durationMs / 1000).toFixed(1)} s.
    </p>
    <p class="verdict ${verdict}">${summaryOf(result)}</p>
    <div class="card">${result.rows.map(rowOf)}</div>
    <p class="soft">Counts are trials. The pale band is the 95 % Wilson interval of the share.</p>
    ${
      result.timelines.length > 0 &&
      html`<h2>Timelines</h2>
        <p class="legend soft">
          <span><b style="background:var(--race)"></b>racing</span>
          <span><b style="background:var(--look)"></b>looking at the session</span>
          <span><b style="background:var(--rest)"></b>the rest</span>
        </p>`
    }
    ${(Object.keys(titles) as RaceName[]).map((race) => raceSection(result, race))}
    <h2>With nothing in flight</h2>
    ${definitions(facts(result.baseline))}
    <h2>Requests</h2>
    ${definitions(Object.entries(result.requests).map(([name, line]) => [name, html`<code>${line}</code>`]))}`
  return page({ title: `Session races: ${summaryOf(result)}`, style, body })
}

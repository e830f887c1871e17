import { html, type Html } from '#report'
import type { CaseReport, Report } from './report.ts'
import { STATUS, summaryOf, timesOf } from './text.ts'

const seconds = (ms: number): string => (ms / 1000).toFixed(3)

/** Replaces control characters: XML 1.0 does not allow them, not even escaped. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD').toWellFormed()
}

function detail({ failure, text }: CaseReport): string {
  if (!failure) return text
  const steps = failure.steps.map(
    (step) => `${timesOf(step)} ${step.client}: ${step.call} = ${step.answer ?? '…'}${step.wrong ? ' (wrong)' : ''}`,
  )
  return plain([text, failure.message, ...steps, `Again: ${failure.replay}`].join('\n'))
}

function outcome(item: CaseReport): Html | false {
  const { status, evidence, deviation, failure } = item
  const first = plain(failure?.message.split('\n')[0] ?? '')
  if (status === 'not-applicable') return html`<skipped message="not applicable: ${plain(evidence ?? '')}" />`
  if (status === 'deviates') return html`<skipped message="deviates: ${plain(deviation?.reason ?? '')}" />`
  if (status === 'fail') return html`<failure message="${first}">${detail(item)}</failure>`
  return (
    status !== 'pass' && html`<error type="${status}" message="${STATUS[status]}: ${first}">${detail(item)}</error>`
  )
}

/** Makes a report as JUnit's XML, with a suite for each clause. */
export function junitReport(report: Report): string {
  const { cases, name, durationMs, startedAt, problem } = report
  const clauses = [...new Set(cases.map(({ clause }) => clause))]
  const suites = clauses.map((clause) => {
    const own = cases.filter((one) => one.clause === clause)
    return suite(`${name} ${clause}`, own, startedAt)
  })
  const all = html`<?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="${name}" ${numbers(cases, problem)} time="${seconds(durationMs)}">
      ${suites}${
        problem !== undefined &&
        html`<testsuite name="harness" tests="1" errors="1"
          ><testcase name="harness" classname="harness"><error message="${plain(summaryOf(report))}" /></testcase
        ></testsuite> `
      }</testsuites
    > `
  return all.toString()
}

function numbers(cases: readonly CaseReport[], problem?: string): Html {
  const count = (...statuses: CaseReport['status'][]): number =>
    cases.filter(({ status }) => statuses.includes(status)).length
  const more = problem === undefined ? 0 : 1
  return html`tests="${cases.length + more}" failures="${count('fail')}"
  errors="${count('harness-error', 'inconclusive') + more}" skipped="${count('not-applicable', 'deviates')}"`
}

function suite(name: string, cases: readonly CaseReport[], startedAt: string): Html {
  const ms = cases.reduce((sum, one) => sum + one.ms, 0)
  return html`<testsuite name="${name}" ${numbers(cases)} time="${seconds(ms)}" timestamp="${startedAt.slice(0, 19)}">
    ${cases.map(
      (one) =>
        html`<testcase name="${one.id}" classname="${name.replaceAll(' ', '.')}" time="${seconds(one.ms)}"
          >${outcome(one)}</testcase
        > `,
    )}</testsuite
  > `
}

import { html } from '#report'
import type { Report } from './report.ts'

const COLORS: Readonly<Record<Report['verdict'], string>> = {
  pass: '#1b6e3c',
  fail: '#b3261e',
  'harness-error': '#63676c',
  inconclusive: '#8a5a00',
}

const NAME = 'sess conformance'
/** The approximate width of a character of 11 px, in px. */
const CHARACTER_PX = 6.7

/** The store with the version of its adapter, the outcome, and the date: a badge may outlive the version. */
function wordOf({ verdict, complete, contract, cases, name, versions, startedAt }: Report): string {
  const failed = cases.filter(({ status }) => status === 'fail').length
  const outcome =
    verdict === 'pass'
      ? complete
        ? `contract ${contract}`
        : 'partial run'
      : verdict === 'fail'
        ? `${failed} of ${cases.length} failed`
        : verdict
  // The kit's own version comes first, and then the versions of the harness, which begin with the version of the adapter.
  const version = Object.entries(versions).find(([of]) => of !== '@sess/conformance' && of !== 'node')?.[1]
  return [version === undefined ? name : `${name} ${version}`, outcome, startedAt.slice(0, 10)].join(' · ')
}

/** Makes the verdict as an SVG for a README. */
export function badge(report: Report): string {
  const word = wordOf(report)
  const color = report.verdict === 'pass' && !report.complete ? COLORS.inconclusive : COLORS[report.verdict]
  const left = Math.round(NAME.length * CHARACTER_PX + 12)
  const right = Math.round(word.length * CHARACTER_PX + 12)
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    width="${left + right}"
    height="20"
    role="img"
    aria-label="${NAME}: ${word}"
  >
    <title>${NAME}: ${word}</title>
    <clipPath id="round"><rect width="${left + right}" height="20" rx="3" /></clipPath>
    <g clip-path="url(#round)">
      <rect width="${left}" height="20" fill="#3b3f44" />
      <rect x="${left}" width="${right}" height="20" fill="${color}" />
    </g>
    <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
      <text x="${left / 2}" y="14">${NAME}</text>
      <text x="${left + right / 2}" y="14">${word}</text>
    </g>
  </svg> `.toString()
}

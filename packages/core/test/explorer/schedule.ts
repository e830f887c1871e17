/**
 * Scenarios and schedules as text:
 *
 * `anonymous: A commit, B login/old, clock > A B A! B B ~`
 *
 * First the start; then the requests, each with its cookie (if it is not the current one) and `behind` (if its clock is late); `clock` if the
 * clock may move; `3 switches` if a schedule may change between requests at most three times. After `>` come the choices: `A` the store
 * answers A's call; `A-` the store cannot be reached; `A!` the store applies the call, and the answer is lost; `A~` the answer is lost, and
 * the call is still in flight; `~` this call arrives; `+` the clock moves past the windows.
 */
import {
  cookiesOf,
  OPERATIONS,
  STARTS,
  type Cookie,
  type Operation,
  type Request,
  type Seat,
  type StartName,
} from './requests.ts'
import type { Choice, Scenario } from './scheduler.ts'

const MARKS = { release: '', refuse: '-', lose: '!', delay: '~' } as const

export function scenarioText({ start, requests, clock, switches }: Scenario): string {
  const shown = requests.map(
    ({ seat, operation, cookie, behind }) =>
      `${seat} ${operation}${cookie === 'current' ? '' : `/${cookie}`}${behind ? ' behind' : ''}`,
  )
  return `${start}: ${[...shown, ...(clock ? ['clock'] : []), ...(switches === undefined ? [] : [`${switches} switches`])].join(', ')}`
}

export function scheduleText(schedule: readonly Choice[]): string {
  return schedule
    .map((choice) => (choice.act === 'land' ? '~' : choice.act === 'tick' ? '+' : choice.seat + MARKS[choice.act]))
    .join(' ')
}

/** Parses the texts of the two functions above, joined by ` > `. @throws For any other text; the message says what is wrong. */
export function parseReplay(text: string): { readonly scenario: Scenario; readonly schedule: readonly Choice[] } {
  const [scenario = '', schedule = ''] = text.split('>')
  return {
    scenario: parseScenario(scenario.trim()),
    schedule: schedule.trim().split(/\s+/).filter(Boolean).map(parseChoice),
  }
}

function parseScenario(text: string): Scenario {
  const [start = '', rest = ''] = text.split(':').map((part) => part.trim())
  if (!STARTS.includes(start as StartName))
    throw new Error(`${JSON.stringify(start)} is no start; there are ${STARTS.join(', ')}`)
  const parts = rest.split(',').map((part) => part.trim())
  const switches = parts.flatMap((part) => /^(\d+) switches$/.exec(part)?.[1] ?? []).map(Number)[0]
  const requests = parts
    .filter((part) => part !== 'clock' && !part.endsWith(' switches'))
    .map((part): Request => {
      const match = /^([ABC]) ([a-z-]+)(?:\/(\w+))?( behind)?$/.exec(part)
      const [, seat, operation, cookie = 'current', behind] = match ?? []
      if (!match || !Object.hasOwn(OPERATIONS, operation!) || !cookiesOf(start as StartName).includes(cookie as Cookie))
        throw new Error(
          `${JSON.stringify(part)} is no request; write 'A commit' or 'B login/old'; operations: ${Object.keys(OPERATIONS).join(', ')}`,
        )
      return {
        seat: seat as Seat,
        operation: operation as Operation,
        cookie: cookie as Cookie,
        ...(behind && { behind: true }),
      }
    })
  return {
    start: start as StartName,
    requests,
    clock: parts.includes('clock'),
    ...(switches !== undefined && { switches }),
  }
}

function parseChoice(text: string): Choice {
  if (text === '~') return { act: 'land' }
  if (text === '+') return { act: 'tick' }
  const act = Object.entries(MARKS).find(([, mark]) => mark === text.slice(1))?.[0]
  if (!act || !/^[ABC]/.test(text)) throw new Error(`${JSON.stringify(text)} is no choice; see schedule.ts`)
  return { act: act as 'release', seat: text[0] as Seat }
}

import type { LoginOptions } from './api.ts'
import { invalid, lifetimesOf, type Lifetimes, type Settings } from './options.ts'

/** What a sign-in decides for the session's life. Times in ms. */
export interface SignIn extends Lifetimes {
  readonly persistent: boolean
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>> | undefined
}

const MOST_HINTS = 16
const LONGEST_TEXT = 256

/** @throws {SessError} `invalid_option`, naming the option. */
export function signInOf(options: LoginOptions, settings: Settings): SignIn {
  const { label, client } = options
  if (label !== undefined && !isText(label))
    throw invalid('label', `must be text of at most ${LONGEST_TEXT} characters`)
  if (client !== undefined) {
    const hints = Object.entries(client)
    if (hints.length > MOST_HINTS || !hints.flat().every(isText))
      throw invalid(
        'client',
        `must be at most ${MOST_HINTS} hints, each a name and text of at most ${LONGEST_TEXT} characters`,
      )
  }
  return {
    ...lifetimesOf(options, settings),
    persistent: options.persistent ?? settings.persistent,
    label,
    client,
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_TEXT
}

import type { LoginOptions } from './api.ts'
import { LONGEST_TEXT, MOST_HINTS } from './envelope.ts'
import { checkOptions, checkType, invalid, type OptionNames } from './option-check.ts'
import { lifetimesOf, type Lifetimes } from './lifetimes.ts'
import type { Settings } from './settings.ts'

/** The checked options of a login, with defaults. Times are in ms. */
export interface SignIn extends Lifetimes {
  readonly persistent: boolean
  readonly label: string | undefined
  readonly client: Readonly<Record<string, string>> | undefined
}

const NAMES: OptionNames<LoginOptions> = {
  idleTimeout: true,
  absoluteTimeout: true,
  persistent: true,
  label: true,
  client: true,
}

const LIFETIME = 'set idleTimeout and absoluteTimeout'
const HINTS = { ttl: LIFETIME, maxAge: LIFETIME, expires: LIFETIME, keepOldFor: 'login() ends the old secret at once' }

/** Checks the options of a login, and adds the defaults. @throws {SessError} `invalid_option`; the message names the option. */
export function signInOf(options: LoginOptions, settings: Settings): SignIn {
  checkOptions(options, 'login()', NAMES, HINTS)
  checkType(options.persistent, 'persistent', 'boolean')
  const { label, client, persistent = settings.persistent } = options
  const texts = [label ?? '', ...Object.entries(client ?? {}).flat()]
  if (texts.length <= 2 * MOST_HINTS + 1 && texts.every(isText))
    return { ...lifetimesOf(options, settings), persistent, label, client: client && { ...client } }
  throw invalid(
    'label and client',
    `take text of up to ${LONGEST_TEXT} characters, and client takes up to ${MOST_HINTS} entries`,
  )
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_TEXT
}

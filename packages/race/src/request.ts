import { SetupError } from './setup-error.ts'

/** A request as the user described it. */
export interface RequestTemplate {
  readonly method: string
  /** With its placeholders. */
  readonly path: string
  readonly body: string | undefined
  readonly contentType: string | undefined
  /** For reports: method and path, no body. */
  readonly label: string
}

/** What the placeholders stand for. */
export interface Values {
  readonly user?: string
  readonly value?: string
  readonly key?: string
  readonly csrf?: string
  cookie?(name: string): string | undefined
}

/** A request that can be sent. */
export interface FilledRequest {
  readonly method: string
  readonly path: string
  readonly body: string | undefined
  readonly contentType: string | undefined
}

const placeholder = /\{(user|value|key|csrf|cookie:[^{}\s]+)\}/g

type Encode = (text: string) => string

const inUrl: Encode = encodeURIComponent
const inJson: Encode = (text) => JSON.stringify(text).slice(1, -1)
const asIs: Encode = (text) => text

/** Replaces the placeholders in a text; one without a value becomes nothing. */
export function fillText(text: string, values: Values, encode: Encode = asIs): string {
  return text.replace(placeholder, (_, name: string) => {
    const value = name.startsWith('cookie:')
      ? values.cookie?.(name.slice('cookie:'.length))
      : values[name as 'user' | 'value' | 'key' | 'csrf']
    return encode(value ?? '')
  })
}

/** Whether a text has one of these placeholders. */
export function hasPlaceholder(text: string | undefined, name: 'user' | 'value' | 'key' | 'csrf'): boolean {
  return text?.includes(`{${name}}`) ?? false
}

function isJson(text: string, body: string): boolean {
  if (!/^[{[]/.test(body) || new RegExp(`^${placeholder.source}`).test(body)) return false
  try {
    JSON.parse(fillText(body, { user: 'u', value: 'v', key: 'k', csrf: 'c' }, inJson))
    return true
  } catch (cause) {
    throw new SetupError('bad_option', `the body of ${text} begins like JSON and is not: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/**
 * Reads `[METHOD ]PATH[ BODY]`.
 *
 * @param option - The option's name, for the message.
 * @throws {SetupError} `bad_option`.
 */
export function parseRequest(text: string, option: string, defaultMethod: 'GET' | 'POST'): RequestTemplate {
  const match = /^(?:([A-Za-z]+) +)?(\/\S*)(?:\s+(\S[\s\S]*))?$/.exec(text.trim())
  if (match === null)
    throw new SetupError(
      'bad_option',
      `${option} takes [METHOD ]PATH[ BODY] with a path that begins with /, such as 'POST /login user={user}'; it was given '${text}'`,
    )
  const [, given, path = '/', body] = match
  const method = given?.toUpperCase() ?? defaultMethod
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new SetupError('bad_option', `${option}: a ${method} request has no body; say POST, or leave the body out`)
  const json = body !== undefined && isJson(text, body)
  const typo = /\{[a-z]\w*\}/i.exec(`${path} ${json ? '' : (body ?? '')}`.replaceAll(placeholder, ''))
  if (typo !== null)
    throw new SetupError(
      'bad_option',
      `${option}: nobody knows ${typo[0]}; there are {user}, {value}, {key}, {csrf} and {cookie:NAME}`,
    )
  return {
    method,
    path,
    body,
    contentType: body === undefined ? undefined : json ? 'application/json' : 'application/x-www-form-urlencoded',
    label: `${method} ${path}`,
  }
}

/** Fills a template in, each value encoded for where it stands. */
export function fillRequest(template: RequestTemplate, values: Values): FilledRequest {
  const { method, path, body, contentType } = template
  return {
    method,
    path: fillText(path, values, inUrl),
    body: body && fillText(body, values, contentType === 'application/json' ? inJson : inUrl),
    contentType,
  }
}

/// <reference types="node" preserve="true" />
/**
 * For authors of bindings on Node.js.
 *
 * @module
 */
import type { ServerResponse } from 'node:http'
import { pipeline, Transform, type Readable } from 'node:stream'
import type { PresentHeaders, SessionHeaders } from './session-cookie.ts'

type WriteHead = (this: ServerResponse, status: number, ...rest: readonly unknown[]) => ServerResponse

/**
 * For bindings on Node.js that need not hold bytes back: adds the session's fields in the moment in which the head is written,
 * whoever writes it. Whatever set header fields before, or took all of them away to answer an error, has had its turn.
 *
 * @param fieldsFor - Gives the fields, from those that the head has. Called once.
 */
export function onHead(res: ServerResponse, fieldsFor: (present: PresentHeaders) => SessionHeaders): void {
  const writeHead = res.writeHead as WriteHead
  const held: WriteHead = function (status, ...rest) {
    res.writeHead = writeHead
    // As Node has it: a status text may come in front of the fields, which are an object, or names and values in turns.
    const given = rest.find((argument) => typeof argument === 'object' && argument !== null)
    for (const [name, value] of pairsOf(given)) res.setHeader(name, value)
    const textOf = (name: string): string | undefined => {
      const value = res.getHeader(name)
      return Array.isArray(value) ? value.join(', ') : value?.toString()
    }
    const { 'set-cookie': setCookies = [], ...fields } = fieldsFor({
      vary: textOf('vary'),
      'cache-control': textOf('cache-control'),
    })
    for (const [name, value] of Object.entries(fields)) res.setHeader(name, value)
    // One by one: what is there once stays text.
    for (const field of setCookies) res.appendHeader('set-cookie', field)
    const [text] = rest
    return typeof text === 'string' ? writeHead.call(res, status, text) : writeHead.call(res, status)
  }
  res.writeHead = held
}

type Value = number | string | readonly string[]

function pairsOf(given: unknown): readonly (readonly [name: string, value: Value])[] {
  if (!Array.isArray(given))
    return Object.entries((given ?? {}) as Record<string, Value | undefined>).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
  const flat = given.flat() as string[]
  const all = new Map<string, string[]>()
  for (let i = 0; i < flat.length; i += 2) all.set(flat[i]!, [...(all.get(flat[i]!) ?? []), flat[i + 1]!])
  return [...all].map(([name, values]) => [name, values.length > 1 ? values : values[0]!] as const)
}

/** For bindings on Node.js: the bytes of a stream, with a commit behind the last. If it fails, so does the stream. */
export function committedBehind(source: Readable, commit: () => Promise<void>): Readable {
  const held = new Transform({
    transform: (chunk: unknown, _encoding, done) => done(null, chunk),
    flush: (done) => void commit().then(() => done(), done),
  })
  // An error of either ends both, and whoever reads `held` hears of it.
  pipeline(source, held, () => {})
  return held
}

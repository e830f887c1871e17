import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { SessionKey, SessionRecord } from '@sess/core'

/** A key that nothing else uses. */
export function newKey(tag: string = randomBytes(9).toString('base64url')): SessionKey {
  return { tag, id: randomBytes(12).toString('base64url') }
}

/** Two keys of one tag. */
export function twoKeys(): [SessionKey, SessionKey] {
  const key = newKey()
  return [key, newKey(key.tag)]
}

/** A record that lives for a minute. */
export function newRecord(now: number, parts: Partial<SessionRecord> = {}): SessionRecord {
  return { revision: 1, expiresAt: now + 60_000, payload: Buffer.from('payload'), ...parts }
}

/** Says a line to a server by its text protocol. Answers what comes back at once. */
export async function command(port: number, line: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${line}\r\n`)
  let said = ''
  // Every answer ends so.
  while (!/(^|\n)(HD.*|EN|END|OK)\r\n$/.test(said)) said += String((await once(socket, 'data'))[0])
  socket.destroy()
  return said
}

/** The seconds for which a server will keep an item; -1: for ever; undefined: it has none. */
export async function keptFor(port: number, key: string): Promise<number | undefined> {
  const left = /^HD t(-?\d+)/.exec(await command(port, `mg ${key} t`))?.[1]
  return left === undefined ? undefined : Number(left)
}

/** What a server says of itself. */
export async function stated(port: number, name: string): Promise<string> {
  return new RegExp(`STAT ${name} (\\S+)\r\n`).exec(await command(port, 'stats'))![1]!
}

/** One of a server's counters. */
export async function statistic(port: number, name: string): Promise<number> {
  return Number(await stated(port, name))
}

/** All keys of a server that begin so. */
export async function keysOn(port: number, prefix: string): Promise<string[]> {
  const said = await command(port, 'lru_crawler metadump all')
  const keys = [...said.matchAll(/^key=(\S+)/gm)].map(([, key]) => decodeURIComponent(key!))
  return keys.filter((key) => key.startsWith(prefix))
}

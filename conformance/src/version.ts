import { readFileSync } from 'node:fs'

/** The version of the kit. */
export const kitVersion: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version

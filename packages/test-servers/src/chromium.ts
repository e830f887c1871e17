import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Starts a headless Chromium: the one at `CHROMIUM_PATH`, or the first on the PATH. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: find(),
    timeout: 180_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

function find(): string {
  const given = process.env['CHROMIUM_PATH']
  const candidates = given
    ? [given]
    : (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
  const found = candidates.find(isExecutable)
  if (found !== undefined) return found
  throw new Error(
    given
      ? `CHROMIUM_PATH is ${given}, where no program is.`
      : 'No Chromium is on the PATH. Install one (Debian: sudo apt-get install chromium), or set CHROMIUM_PATH.',
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

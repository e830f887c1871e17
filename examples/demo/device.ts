/** A browser in the list of devices. */
export interface Device {
  /** Such as `Firefox on Windows`. */
  readonly label: string
  readonly browser: string
  readonly platform: string
}

// The order matters: nearly every browser also claims to be Chrome, and Chrome to be Safari.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/(?:Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
  [/^(?:node|undici)\b/, 'Node.js'],
]

const PLATFORMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac(?:intosh| OS X)\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

/** Names the browser and the platform of a User-Agent header, for its owner. */
export function deviceOf(userAgent = ''): Device {
  const browser = named(BROWSERS, userAgent) ?? 'Unknown browser'
  const platform = named(PLATFORMS, userAgent) ?? ''
  return { label: platform ? `${browser} on ${platform}` : browser, browser, platform }
}

function named(table: readonly (readonly [RegExp, string])[], userAgent: string): string | undefined {
  return table.find(([pattern]) => pattern.test(userAgent))?.[1]
}

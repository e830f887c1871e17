import type { Profiler } from 'node:inspector'

/** Node's own modules, by what they serve. */
const NODE: readonly (readonly [RegExp, string])[] = [
  [/http/, 'node: HTTP'],
  [/^(?:net|internal\/(?:stream|streams|net|js_stream)|stream|events|diagnostics)/, 'node: streams, sockets'],
  [/crypto|zlib/, 'node: hashes, checksums'],
  [/buffer/, 'node: buffers'],
]

type Frame = Profiler.ProfileNode['callFrame']

/**
 * The time of a profile by package, each function's own.
 *
 * @param requests - How many were served meanwhile.
 * @returns Microseconds for each request.
 */
export function byPackage(profile: Profiler.Profile, requests: number): ReadonlyMap<string, number> {
  return timesBy(packageOf, profile, requests)
}

/** The same by function: its name, its package, and where it is. */
export function byFunction(profile: Profiler.Profile, requests: number): ReadonlyMap<string, number> {
  return timesBy(functionOf, profile, requests)
}

function timesBy(
  labelOf: (frame: Frame) => string | undefined,
  profile: Profiler.Profile,
  requests: number,
): ReadonlyMap<string, number> {
  const labels = new Map(profile.nodes.map(({ id, callFrame }) => [id, labelOf(callFrame)]))
  const times = new Map<string, number>()
  for (const [i, id] of profile.samples!.entries()) {
    const label = labels.get(id)
    if (label !== undefined) times.set(label, (times.get(label) ?? 0) + profile.timeDeltas![i]! / requests)
  }
  return times
}

function functionOf(frame: Frame): string | undefined {
  const label = packageOf(frame)
  const { functionName, url, lineNumber } = frame
  return label && `${functionName || '(anonymous)'} ${url.replace(/.*\//, '')}:${lineNumber + 1} (${label})`
}

/** Undefined for a process that waits. */
function packageOf({ functionName, url }: Frame): string | undefined {
  if (functionName === '(idle)') return undefined
  if (url.startsWith('node:')) return NODE.find(([pattern]) => pattern.test(url.slice(5)))?.[1] ?? 'node: the rest'
  const ours = /\/packages\/([\w-]+)\//.exec(url)
  if (ours) return `@sess/${ours[1]}`
  const theirs = /.*\/node_modules\/((?:@[\w-]+\/)?[\w-]+)\//.exec(url)
  if (theirs)
    return /^(?:ioredis|redis|@redis|standard-as-callback)/.test(theirs[1]!) ? 'the Redis client' : `npm: ${theirs[1]}`
  if (url.includes('/bench/')) return 'the app'
  return functionName.startsWith('write')
    ? 'system: writes'
    : functionName === '(garbage collector)'
      ? functionName
      : 'system: the rest'
}

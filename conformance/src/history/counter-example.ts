import type { Step } from '../result.ts'
import type { Call, Operation, Version } from './history.ts'
import { linearizable } from './linearizability.ts'

/** The history as somebody knew it who stopped watching at a time: what had not ended by then may or may not be done. */
function until(history: readonly Operation[], time: number): Operation[] {
  return history
    .filter(({ from }) => from <= time)
    .map((one) => (one.to <= time ? one : { ...one, answer: undefined, to: Infinity }))
}

/** What came after the last delete that nothing else overlapped: there the record was gone for certain. */
function sinceGone(history: readonly Operation[]): readonly Operation[] {
  const gone = history
    .filter(
      (one) =>
        one.call.kind === 'delete' &&
        one.answer !== undefined &&
        history.every((other) => other === one || other.to < one.from || other.from > one.to),
    )
    .at(-1)
  return gone ? history.filter(({ from }) => from > gone.to) : history
}

/** Whether a history without this operation asks for less: it changed nothing. */
function changesNothing({ call, answer }: Operation): boolean {
  return call.kind === 'read' || answer === false || answer === 0 || answer === 'conflict' || answer === 'missing'
}

/**
 * The shortest piece of an impossible history that is impossible still: cut at the first moment at which nothing explains
 * it any more, without what does not matter. The last one to end is the one that cannot be right.
 */
export function shrink(history: readonly Operation[], staleMs = 0): readonly Operation[] {
  const impossible = (piece: readonly Operation[]): boolean => linearizable(piece, staleMs) === 'impossible'
  const ends = history.map(({ to }) => to).toSorted((a, b) => a - b)
  let [low, high] = [0, ends.findLastIndex((end) => end < Infinity)]
  while (low < high) {
    const middle = (low + high) >> 1
    if (impossible(until(history, ends[middle]!))) high = middle
    else low = middle + 1
  }
  let piece: readonly Operation[] = until(history, ends[low]!).toSorted((a, b) => a.from - b.from)
  if (impossible(sinceGone(piece))) piece = sinceGone(piece)
  for (const one of piece) {
    const rest = piece.filter((other) => other !== one)
    if (changesNothing(one) && impossible(rest)) piece = rest
  }
  return piece
}

/**
 * A history for people: times from its beginning, expiries from the time that the store was told, the impossible answer marked.
 */
export function stepsOf(history: readonly Operation[], now: number): Step[] {
  const start = Math.min(...history.map(({ from }) => from))
  const last = Math.max(...history.map(({ to }) => (to === Infinity ? 0 : to)))
  return history.map(({ client, call, answer, from, to }) => ({
    client,
    call: told(call, now),
    from: from - start,
    ...(to !== Infinity && { to: to - start }),
    ...(answer !== undefined && { answer: typeof answer === 'object' ? version(answer, now) : String(answer) }),
    ...(to === last && { wrong: true }),
  }))
}

const version = ({ revision, payload, expiresAt }: Version, now: number): string =>
  `r${revision} "${payload}" to ${ending(expiresAt, now)}`

/** When a record ends: `now+3600000`. */
const ending = (expiresAt: number, now: number): string =>
  expiresAt < now ? `now${expiresAt - now}` : `now+${expiresAt - now}`

function told(call: Call, now: number): string {
  switch (call.kind) {
    case 'read':
      return call.fresh ? 'read(fresh)' : 'read()'
    case 'create':
      return `create(${version({ ...call, revision: 1 }, now)})`
    case 'replace':
      return `replace(${version({ ...call, revision: call.expected.revision + 1 }, now)}, expected ${version(call.expected, now)})`
    case 'touch':
      return `touch(to ${ending(call.expiresAt, now)}, expected ${version(call.expected, now)})`
    case 'delete':
      return 'delete()'
    case 'revoke':
      return 'deleteSubject()'
  }
}

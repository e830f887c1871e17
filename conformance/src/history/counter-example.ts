import type { Step } from '../result.ts'
import type { Call, Operation, Version } from './history.ts'
import { linearizable } from './linearizability.ts'

/** The history up to a time. A call that had not ended by then has no known answer. */
function until(history: readonly Operation[], time: number): Operation[] {
  return history
    .filter(({ from }) => from <= time)
    .map((one) => (one.to <= time ? one : { ...one, answer: undefined, to: Infinity }))
}

/** The calls after the last delete that no other call overlaps: after such a delete the record certainly does not exist. */
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

/** Whether an operation changed nothing, so that a history may leave it out. A delete may remove what has expired for its caller alone. */
function changesNothing({ call, answer }: Operation): boolean {
  if (call.kind === 'delete' || call.kind === 'revoke') return false
  return call.kind === 'read' || answer === false || answer === 'conflict' || answer === 'missing'
}

/**
 * Shrinks an impossible history to a short impossible piece. It cuts the history at the first moment at which no order explains it,
 * and leaves out operations that do not matter. The last operation to end has the answer that cannot be right.
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
 * Formats a history for people: times from its beginning, expiries relative to `now`, and a mark at the impossible answer.
 */
export function stepsOf(history: readonly Operation[], now: number): Step[] {
  const start = Math.min(...history.map(({ from }) => from))
  const last = Math.max(...history.map(({ to }) => (to === Infinity ? 0 : to)))
  return history.map(({ client, call, answer, from, to, now: its = now }) => ({
    client: its === now ? client : `${client}, by a clock ${its - now} ms ahead`,
    call: told(call, now),
    from: from - start,
    ...(to !== Infinity && { to: to - start }),
    ...(answer !== undefined && { answer: typeof answer === 'object' ? version(answer, now) : String(answer) }),
    ...(to === last && { wrong: true }),
  }))
}

const version = ({ revision, payload, expiresAt }: Version, now: number): string =>
  `r${revision} "${payload}" to ${ending(expiresAt, now)}`

/** Formats the expiry of a record: `now+3600000`. */
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

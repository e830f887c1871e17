import { once } from 'node:events'
import { connect } from 'node:net'

/** How long one question may take, in ms. */
const ANSWER_WITHIN_MS = 1000

/**
 * Sends a question to a server on 127.0.0.1, on a new socket.
 *
 * @returns Whether the first bytes of the answer match.
 */
export async function says(port: number, question: string, answer: RegExp): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy(new Error('no answer')))
  try {
    await once(socket, 'connect')
    socket.write(question)
    for await (const words of socket as AsyncIterable<Buffer>) return answer.test(words.toString('latin1'))
  } catch {
    // It does not answer.
  } finally {
    socket.destroy()
  }
  return false
}

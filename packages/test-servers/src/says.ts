import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectByTls } from 'node:tls'
import { SELF_SIGNED } from './certificate.ts'

/** How long one question may take, in ms. */
const ANSWER_WITHIN_MS = 1000

/**
 * Sends a question to a server on 127.0.0.1, on a new socket.
 *
 * @param tls - Whether to speak TLS, with a server whose certificate is `SELF_SIGNED`. Default: false.
 * @returns Whether the first bytes of the answer match.
 */
export async function says(port: number, question: string, answer: RegExp, tls = false): Promise<boolean> {
  const host = '127.0.0.1'
  const socket = tls ? connectByTls({ host, port, ca: SELF_SIGNED.cert }) : connect(port, host)
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

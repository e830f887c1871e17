import { once } from 'node:events'
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What happens to a request on its way. */
export type Fate =
  /** The answer is this, and DynamoDB never hears of it. */
  | { readonly status: number; readonly type: string; readonly message?: string }
  /** The connection is cut: before DynamoDB has the request, or when it has answered. */
  | 'cut before'
  | 'cut after'
  /** DynamoDB gets the request, and its answer is held back for good. */
  | 'no answer'

/** An HTTP server before DynamoDB Local that counts requests and lets some of them fail. */
export interface Gateway {
  readonly port: number
  /** The operations that arrived, in order: `GetItem`. */
  readonly requests: string[]
  /** What is to happen to the next requests, by operation; each once. Undefined: DynamoDB answers. */
  readonly fates: Map<string, (Fate | undefined)[]>
  /** Called before a request is passed on. */
  before: ((operation: string) => Promise<void>) | undefined
  /** Whether a refused condition is answered with what it met, where that is asked for: as AWS does. */
  tellsOld: boolean
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** @param port - Of DynamoDB Local. */
export async function openGateway(port: number): Promise<Gateway> {
  const server = createServer(
    (incoming, outgoing) => void answer(incoming, outgoing).catch(() => incoming.socket.destroy()),
  )
  const gateway: Gateway = {
    port: 0,
    requests: [],
    fates: new Map(),
    before: undefined,
    tellsOld: false,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const operation = String(incoming.headers['x-amz-target']).split('.')[1]!
    gateway.requests.push(operation)
    await gateway.before?.(operation)
    const fate = gateway.fates.get(operation)?.shift()
    if (fate === 'cut before') return void incoming.socket.destroy()
    if (typeof fate === 'object') {
      outgoing.writeHead(fate.status, { 'content-type': 'application/x-amz-json-1.0' })
      outgoing.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${fate.type}`, message: fate.message }))
      return
    }
    const { status, headers, body: said } = await withOld(await pass(port, incoming.headers, body), incoming, body)
    if (fate === 'cut after') return void incoming.socket.destroy()
    if (fate === 'no answer') return
    outgoing.writeHead(status, headers)
    outgoing.end(said)
  }

  async function withOld(refused: Answer, { headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    if (!gateway.tellsOld || !refused.body.includes('ConditionalCheckFailedException')) return refused
    const asked = JSON.parse(body.toString()) as Record<string, unknown>
    if (asked['ReturnValuesOnConditionCheckFailure'] !== 'ALL_OLD') return refused
    const { tag, id } = (asked['Key'] ?? asked['Item']) as Record<string, unknown>
    const get = { TableName: asked['TableName'], Key: { tag, id }, ConsistentRead: true }
    const target = { ...headers, 'x-amz-target': 'DynamoDB_20120810.GetItem' }
    const { Item } = JSON.parse((await pass(port, target, Buffer.from(JSON.stringify(get)))).body.toString()) as {
      Item?: unknown
    }
    const text = JSON.stringify({ ...(JSON.parse(refused.body.toString()) as object), Item })
    return {
      status: refused.status,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: Buffer.from(text),
    }
  }

  return Object.assign(gateway, { port: (server.address() as AddressInfo).port })
}

/** DynamoDB Local checks no signature. */
async function pass(port: number, headers: IncomingHttpHeaders, body: Buffer): Promise<Answer> {
  const sent = { ...headers, host: `127.0.0.1:${port}`, 'content-length': String(body.length) }
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path: '/', headers: sent })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: response.statusCode!, headers: response.headers, body: await buffer(response) }
}

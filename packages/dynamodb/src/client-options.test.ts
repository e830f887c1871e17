import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { DynamoDB, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { beforeAll, expect, inject, test } from 'vitest'
import { use } from '../test/use.ts'
import { createSessionTable, dynamodbStore } from './index.ts'

const TABLE = 'client-options'
let basis: DynamoDBClientConfig

beforeAll(async () => {
  basis = {
    endpoint: `http://127.0.0.1:${inject('dynamodbPort')}`,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  }
  const client = new DynamoDBClient(basis)
  await createSessionTable(client, { table: TABLE })
  client.destroy()
})

/** The README's word, and values with which the store is to work. */
type Row = readonly [
  verdict: 'works' | 'recommended' | 'not tried',
  ...values: readonly Partial<DynamoDBClientConfig>[],
]

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }
const resolved = new DynamoDBClient({ region: 'local' }).config
/** What the SDK gives to itself, given to it. */
const itsOwn = (option: keyof DynamoDBClientConfig): Row => [
  'works',
  { [option]: (resolved as unknown as Record<string, unknown>)[option] },
]

/** Every option of the client: a new one does not compile before it has been looked at. */
const ROWS: Record<keyof DynamoDBClientConfig, Row> = {
  requestHandler: [
    'recommended',
    { requestHandler: { connectionTimeout: 1000, requestTimeout: 4000, throwOnRequestTimeout: true } },
    { requestHandler: { httpAgent: new Agent({ keepAlive: false, maxSockets: 2 }) } },
    { requestHandler: { socketAcquisitionWarningTimeout: 10, socketTimeout: 4000 } },
  ],
  maxAttempts: ['works', { maxAttempts: 1 }, { maxAttempts: 10 }],
  retryMode: ['works', { retryMode: 'standard' }, { retryMode: 'adaptive' }],
  retryStrategy: ['works', { retryStrategy: { mode: 'mine', retry: async (next, args) => next(args) as never } }],
  region: ['works', { region: async () => 'local' }],
  endpoint: ['works', {}],
  tls: ['works', { tls: false }],
  credentials: ['works', { credentials: async () => ({ accessKeyId: 'local', secretAccessKey: 'local' }) }],
  credentialDefaultProvider: itsOwn('credentialDefaultProvider'),
  profile: ['works', { profile: 'nonesuch' }],
  accountId: ['works', { accountId: '123456789012' }],
  accountIdEndpointMode: ['works', { accountIdEndpointMode: 'disabled' }],
  logger: ['works', { logger: silent }],
  cacheMiddleware: ['works', { cacheMiddleware: true }],
  apiVersion: ['works', { apiVersion: '2012-08-10' }],
  authSchemePreference: ['works', { authSchemePreference: ['sigv4'] }],
  bodyLengthChecker: itsOwn('bodyLengthChecker'),
  base64Decoder: itsOwn('base64Decoder'),
  base64Encoder: itsOwn('base64Encoder'),
  utf8Decoder: itsOwn('utf8Decoder'),
  utf8Encoder: itsOwn('utf8Encoder'),
  streamCollector: itsOwn('streamCollector'),
  sha256: itsOwn('sha256'),
  urlParser: itsOwn('urlParser'),
  runtime: ['works', { runtime: 'node' }],
  serviceId: ['works', { serviceId: 'DynamoDB' }],
  customUserAgent: ['works', { customUserAgent: 'sessions/1' }],
  userAgentAppId: ['works', { userAgentAppId: 'sessions' }],
  defaultUserAgentProvider: itsOwn('defaultUserAgentProvider'),
  defaultsMode: ['works', { defaultsMode: 'standard' }, { defaultsMode: 'in-region' }],
  disableHostPrefix: ['works', { disableHostPrefix: true }],
  disableClockSkewCorrection: ['works', { disableClockSkewCorrection: true }],
  systemClockOffset: ['works', { systemClockOffset: 1000 }],
  endpointCacheSize: ['works', { endpointCacheSize: 1 }],
  endpointDiscoveryEnabled: ['works', { endpointDiscoveryEnabled: false }],
  endpointDiscoveryEnabledProvider: itsOwn('endpointDiscoveryEnabledProvider'),
  endpointProvider: itsOwn('endpointProvider'),
  ignoreConfiguredEndpointUrls: ['works', { ignoreConfiguredEndpointUrls: true }],
  serviceConfiguredEndpoint: ['not tried'],
  useDualstackEndpoint: ['works', { useDualstackEndpoint: false }],
  useFipsEndpoint: ['works', { useFipsEndpoint: false }],
  extensions: ['works', { extensions: [{ configure() {} }] }],
  httpAuthSchemes: itsOwn('httpAuthSchemes'),
  httpAuthSchemeProvider: itsOwn('httpAuthSchemeProvider'),
  protocol: itsOwn('protocol'),
  protocolSettings: ['not tried'],
  signer: ['not tried'],
  signerConstructor: ['not tried'],
  signingEscapePath: ['works', { signingEscapePath: true }],
  signingRegion: ['works', { signingRegion: 'local' }],
}

const cases = Object.entries(ROWS).flatMap(([option, [, ...values]]) => values.map((value) => [option, value] as const))

test.each(cases)('a client with %s works: %j', async (_, config) => {
  const client = new DynamoDBClient({ ...basis, ...config })
  await use(dynamodbStore(client, { table: TABLE }))
  client.destroy()
})

test('a client of the class DynamoDB, which has all operations, works', async () => {
  const client = new DynamoDB(basis)
  await use(dynamodbStore(client, { table: TABLE }))
  client.destroy()
})

test('a middleware of the client runs for each request of the store', async () => {
  const client = new DynamoDBClient(basis)
  const seen: string[] = []
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        seen.push(commandName)
        return next(args)
      },
    { step: 'build', name: 'audit' },
  )
  const store = dynamodbStore(client, { table: TABLE })
  await use(store)
  expect(new Set(seen)).toEqual(
    new Set([
      'PutItemCommand',
      'GetItemCommand',
      'UpdateItemCommand',
      'DeleteItemCommand',
      'QueryCommand',
      'ScanCommand',
    ]),
  )
  client.destroy()
})

test('the table in the README has the verdict of every option that is tried here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /## Client options\n(.*?)\n## /s.exec(readme) ?? []
  const said = new Map<string, string>()
  for (const [, options = '', verdict = ''] of section.matchAll(/^\| (`[^|]+) +\| (works|recommended|not tried)/gm))
    for (const [, option = ''] of options.matchAll(/`(\w+)[^`]*`/g)) said.set(option, verdict)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(Object.entries(ROWS).map(([option, [verdict]]) => [option, verdict])),
  )
})

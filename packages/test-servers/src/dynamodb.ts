import { fileURLToPath } from 'node:url'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** Where Amazon's program lies. */
const folder = fileURLToPath(new URL('aws_dynamodb_local/', import.meta.resolve('local-dynamo/package.json')))

/** Starts Amazon's DynamoDB Local, which keeps its tables in memory: another set of them for each access key. */
export function startDynamodb(): Promise<TestServer> {
  return startServer({
    command: 'java',
    args: (port) => [
      '-Xmx1g',
      `-Djava.library.path=${folder}DynamoDBLocal_lib`,
      '-jar',
      `${folder}DynamoDBLocal.jar`,
      '-inMemory',
      '-port',
      String(port),
    ],
    answers: (port) => says(port, 'GET / HTTP/1.0\r\n\r\n', /^HTTP/),
  })
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** Where Amazon's program lies. */
const folder = fileURLToPath(new URL('aws_dynamodb_local/', import.meta.resolve('local-dynamo/package.json')))

/** Room for what it makes for each request, whatever that is: an array of 16 MiB. */
const MEMORY = ['-Xmx2g', '-Xmn512m']
/** In one thread: others would compete with what is under test. The serial collector takes a quarter more time for each request. */
const COLLECTOR = ['-XX:+UseParallelGC', '-XX:ParallelGCThreads=1']
/** Not the compiler for programs that run for hours: it would take more time than it wins. */
const COMPILER = '-XX:TieredStopAtLevel=1'

/** Starts Amazon's DynamoDB Local, which keeps its tables in memory: another set of them for each access key. */
export function startDynamodb(): Promise<TestServer> {
  return startServer({
    command: 'java',
    args: (port) => [
      ...MEMORY,
      ...COLLECTOR,
      COMPILER,
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

/** The version of Amazon's program by its release notes: it does not tell when it is asked. */
export function dynamodbVersion(): string {
  return /^\d{4}-\d\d-\d\d \((\S+)\)/m.exec(readFileSync(`${folder}README.txt`, 'utf8'))![1]!
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { says } from './says.ts'
import { startServer, type TestServer } from './server.ts'

/** The folder of Amazon's program. */
const folder = fileURLToPath(new URL('aws_dynamodb_local/', import.meta.resolve('local-dynamo/package.json')))

/** It makes an array of 16 MiB for each request. */
const HEAP_OPTIONS = ['-Xmx2g', '-Xmn512m']
/** One thread, since more would compete with the tests. The serial collector takes a quarter more time per request. */
const COLLECTOR_OPTIONS = ['-XX:+UseParallelGC', '-XX:ParallelGCThreads=1']
/** Without the second compiler, which only pays for programs that run for hours. */
const COMPILER_OPTION = '-XX:TieredStopAtLevel=1'

/** Starts Amazon's DynamoDB Local. It keeps its tables in memory, with separate tables for each access key. */
export function startDynamodb(): Promise<TestServer> {
  return startServer({
    command: 'java',
    args: (port) => [
      ...HEAP_OPTIONS,
      ...COLLECTOR_OPTIONS,
      COMPILER_OPTION,
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

/** The version of Amazon's program, from its release notes: the program itself cannot report it. */
export function dynamodbVersion(): string {
  return /^\d{4}-\d\d-\d\d \((\S+)\)/m.exec(readFileSync(`${folder}README.txt`, 'utf8'))![1]!
}
